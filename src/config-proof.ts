/** The configuration's section `proof`: the daily proof of the alarm path, docs/proof.md. */
import { z } from 'zod';
import { seconds } from './config-fields.ts';

const demanded = z.enum(['required', 'optional', 'off']);

export const proof = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('prove each zone by itself at that time; the command prove works in any case'),
  at: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'give a time of day as "03:30"')
    .default('03:30')
    .describe('local time of day; without a clock that is right: every 24 hours'),
  timezone: z
    .string()
    .min(1)
    .max(64)
    .nullable()
    .default(null)
    .describe('IANA name for `at`; null: that of hours, and where there are none, UTC'),
  everySeconds: seconds(10, 604_800)
    .nullable()
    .default(null)
    .describe('prove this often instead of once a day; for trials'),
  staggerSeconds: seconds(0, 600).default(5).describe('pause between two zones'),
  outputs: z
    .enum(['pulse', 'feedback', 'silent'])
    .default('feedback')
    .describe(
      'pulse: siren, strobe and alarm relay are energised for pulseMs; feedback: only read back ' +
        'where feedback is wired; silent: left out and marked as not proven',
    ),
  pulseMs: z
    .int()
    .min(100)
    .max(5000)
    .default(500)
    .describe('how long an output is energised; longer where its feedback needs more to settle'),
  broker: demanded
    .default('optional')
    .describe('whether each broker must acknowledge the proof: required, optional, off'),
  central: demanded
    .default('off')
    .describe('whether a central server must answer with the command confirmProof'),
  timeoutSeconds: seconds(1, 600)
    .default(30)
    .describe('for journal, brokers and central server together'),
});

export type ProofSettings = z.infer<typeof proof>;
