import { describe, expect, it } from 'vitest';
import { createPanel, stepPanel, viewOf } from '../../src/alarm/panel.ts';
import { approvalBy } from '../../src/appliance-core.ts';
import type { SensorNotice } from '../../src/domain/step.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import { silentLog } from '../../src/log.ts';
import { PixelKeeper } from '../../src/pixel-keeper.ts';
import { MemoryJournal } from '../../src/store/memory-journal.ts';
import { BOARD, onePlan } from '../alarm/make.ts';
import { ManualClock } from '../hal/manual-clock.ts';

describe('an approved background', () => {
  it('that could not be taken over stays open, and its detail says why', async () => {
    const notices: SensorNotice[] = [];
    const keeper = await PixelKeeper.load({
      ...{ store: new MemoryJournal(), clock: new ManualClock(), log: silentLog },
      notify: (notice) => void notices.push(notice),
      arrayAt: () => null,
    });
    let panel = createPanel(onePlan(), 0);
    const changed = { kind: 'backgroundChanged', sensor: BOARD, raised: true, detail: 'warmer' };
    panel = stepPanel(panel, { ...NO_INPUTS, notices: [changed as SensorNotice] }, 0).panel;
    const command = { kind: 'approveBackground', sensor: BOARD } as const;
    const request = { command, requestId: '1', origin: 'cli:anna', level: 'installer' } as const;
    const asked = stepPanel(panel, { ...NO_INPUTS, commands: [request] }, 1);
    expect(asked.events.map(({ type }) => type)).toEqual(['backgroundApproved']);
    // The array has sent nothing since the start, so there is nothing to learn from.
    approvalBy(keeper, (notice) => void notices.push(notice))(BOARD);
    panel = stepPanel(asked.panel, { ...NO_INPUTS, notices }, 2).panel;
    const [zone] = viewOf(panel, 2).zones;
    expect(zone?.supervisory).toMatchObject([
      {
        fault: 'backgroundChanged',
        detail: expect.stringContaining('nothing was approved') as string,
      },
    ]);
    keeper.stop();
  });
});
