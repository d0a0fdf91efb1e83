/** Lines to the broker with a mistake each, for planted bugs. */
import type { Clock } from '../../src/domain/ports.ts';
import type { Link, PublishResult } from '../../src/uplink/link.ts';

const LATE_MS = 700;
const COPIES = 20;

function linkWith(link: Link, publish: Link['publish']): Link {
  return {
    address: link.address,
    open: (handlers) => link.open(handlers),
    subscribe: (filter, options) => link.subscribe(filter, options),
    close: (deadlineMs) => link.close(deadlineMs),
    publish,
  };
}

/** Takes "handed over" for "arrived". */
export function acknowledgesAtOnce(link: Link): Link {
  return linkWith(link, (message) => {
    void link.publish(message);
    return Promise.resolve({ kind: 'acknowledged' });
  });
}

/** Holds every other event back for a moment, and lets the next one pass it. */
export function everyOtherIsLate(link: Link, clock: Clock): Link {
  let count = 0;
  return linkWith(link, (message) => {
    if (!message.topic.includes('/event/')) return link.publish(message);
    count += 1;
    if (count % 2 === 0) return link.publish(message);
    return new Promise<PublishResult>((resolve) => {
      clock.after(LATE_MS, () => void link.publish(message).then(resolve));
    });
  });
}

export function answersAreSwallowed(link: Link): Link {
  return linkWith(link, (message) =>
    message.topic.endsWith('/response')
      ? Promise.resolve({ kind: 'acknowledged' })
      : link.publish(message),
  );
}

/** Does not wait for answers before it sends more. */
export function sendsManyCopies(link: Link): Link {
  return linkWith(link, (message) => {
    if (message.topic.includes('/event/')) {
      for (let copy = 1; copy < COPIES; copy++) void link.publish(message);
    }
    return link.publish(message);
  });
}
