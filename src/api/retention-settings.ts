// How long a channel keeps what, as /v1/channels takes and shows it.
import { RETENTION_DAYS_MAX } from '../core/limits.ts';
import { DEFAULT_RETENTION } from '../core/retention.ts';
import { z } from './kit.ts';

const descriptions = {
  evidenceDays:
    'The bytes of callbacks; afterwards they are in the archive, where one is configured, or gone. Digests and links ' +
    'stay. 180 unless set.',
  eventsDays: 'Events and deliveries in the lists; single orders keep theirs. 730 unless set.',
  rejectionsDays: 'Samples and counts of what was refused, ignored or repeated; 32 unless set, and at most.',
} as const;

const REJECTIONS_DAYS_MAX = DEFAULT_RETENTION.rejectionsDays;
const days = (most: number) =>
  z.int('must be a whole number of days').min(1, 'must be at least 1 day').max(most, `must be at most ${most} days`);

export const RetentionInput = z
  .strictObject({
    evidenceDays: days(RETENTION_DAYS_MAX)
      .default(DEFAULT_RETENTION.evidenceDays)
      .openapi({ description: descriptions.evidenceDays }),
    eventsDays: days(RETENTION_DAYS_MAX)
      .default(DEFAULT_RETENTION.eventsDays)
      .openapi({ description: descriptions.eventsDays }),
    rejectionsDays: days(REJECTIONS_DAYS_MAX)
      .default(REJECTIONS_DAYS_MAX)
      .openapi({ description: descriptions.rejectionsDays }),
  })
  .openapi('RetentionInput', {
    description: 'Given as a whole: what is not named goes back to what it is unless set.',
  });

export const RetentionBody = z
  .object({
    evidenceDays: z.int().openapi({ description: descriptions.evidenceDays }),
    eventsDays: z.int().openapi({ description: descriptions.eventsDays }),
    rejectionsDays: z.int().openapi({ description: descriptions.rejectionsDays }),
  })
  .openapi('Retention');
