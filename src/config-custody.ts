/** What is expected of the central server, and what happens when it stays silent. */
import { z } from 'zod';

export const acknowledgement = z.strictObject({
  withinSeconds: z
    .number()
    .min(5)
    .max(3600)
    .nullable()
    .default(null)
    .describe(
      'a central server must confirm each alarm within this time, or it is escalated: ' +
        'docs/custody.md; null: no central server confirms',
    ),
});
