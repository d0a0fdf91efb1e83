/** Configuration of the panel: how long people may switch something off, delays, access. */
import { z } from 'zod';
import { seconds } from './config-fields.ts';

const delay = z
  .strictObject({
    seconds: seconds(0, 600)
      .default(0)
      .describe(
        'wait after the first automatic alarm; a manual call point, a second zone in alarm or ' +
          'the command sound ends it at once',
      ),
  })
  .prefault({});

/** A group of the system's users: names as in /etc/group. */
const group = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
  .nullable()
  .default(null);

export const panel = z.strictObject({
  maxDisableHours: z
    .number()
    .min(0.1)
    .max(168)
    .default(24)
    .describe('longest time for which a zone, sensor or output may be disabled'),
  maxTestHours: z.number().min(0.1).max(24).default(4).describe('longest walk test'),
  maxMaintenanceHours: z
    .number()
    .min(0.1)
    .max(24)
    .default(4)
    .describe('longest lease of maintenance; it may be renewed'),
  delays: z
    .strictObject({
      siren: delay.describe('of the siren'),
      strobe: delay.describe('of the strobe'),
      alarmRelay: delay.describe('of the relay that calls others'),
    })
    .prefault({})
    .describe('outputs that wait before they warn; buzzer and fault relay never do'),
  control: z
    .strictObject({
      enabled: z.boolean().default(true).describe('sockets for the command line on this machine'),
      viewerGroup: group.describe('users of this group may look; null: the group of the service'),
      operatorGroup: group.describe('may acknowledge, silence, reset, sound'),
      installerGroup: group.describe('may also disable, test and maintain'),
    })
    .prefault({}),
});
