/** How an array looks at its room; used by `embereye coverage` only. */
import { z } from 'zod';

export const optics = z
  .strictObject({
    lens: z
      .enum(['55x35', '110x75'])
      .default('110x75')
      .describe('field of view in degrees: 55x35 is the BAB version of the array, 110x75 the BAA'),
    distanceMetres: z
      .number()
      .min(0.1)
      .max(100)
      .nullable()
      .default(null)
      .describe('from the array to the farthest surface that it guards'),
    behindCelsius: z
      .number()
      .min(-40)
      .max(100)
      .default(20)
      .describe('usual temperature of the scene'),
  })
  .prefault({})
  .describe('lens and distance, for embereye coverage');
