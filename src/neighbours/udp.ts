/** Datagrams by UDP, and the only file that knows it. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { LanPort, OpenLan } from './lan-port.ts';

/** Takes the port, or says why it cannot. */
export const openUdp: OpenLan = (at, events) =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(at.host) ? 'udp6' : 'udp4');
    let open = false;
    socket.on('error', (error) => {
      if (open) {
        events.onTrouble(error.message);
        return;
      }
      socket.close();
      const inUse = 'code' in error && error.code === 'EADDRINUSE';
      const why = inUse ? 'the port is in use' : error.message;
      resolve({ ok: false, error: `UDP ${at.host}:${at.port}: ${why}` });
    });
    socket.on('message', (bytes) => events.onDatagram(bytes));
    socket.bind(at.port, at.host, () => {
      open = true;
      let closed: Promise<void> | null = null;
      const value: LanPort = {
        port: socket.address().port,
        send: (bytes, to) => {
          if (closed !== null) return;
          socket.send(bytes, to.port, to.host, (error) => {
            if (error !== null) events.onTrouble(`${to.host}:${to.port}: ${error.message}`);
          });
        },
        close: () => (closed ??= new Promise((done) => void socket.close(() => done()))),
      };
      resolve({ ok: true, value });
    });
  });
