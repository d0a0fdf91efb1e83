/** The trained model's fields. */
import { z } from 'zod';

/** The vote of the trained model; see docs/model.md. */
export const model = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('whether a trained model has a vote; without it the rules decide alone'),
  file: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('an ONNX file of your own; null: the model that comes with the release'),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/)
    .nullable()
    .default(null)
    .describe('digest that the file must have, 64 hex digits; null: whatever it has'),
  deadlineMs: z
    .int()
    .min(20)
    .max(5000)
    .default(500)
    .describe('milliseconds from question to answer; a later answer is thrown away'),
  threads: z.int().min(1).max(4).default(1).describe('threads that one inference may use'),
});

export type ModelConfig = z.infer<typeof model>;
