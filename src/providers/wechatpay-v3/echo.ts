// Asks WeChat Pay to try the channel: it verifies our signature, answers with its own, and calls the address with a
// notice that only the genuine keys can have sealed and signed (docs: signature test, 4014551946 and 4019605946).
import { z } from 'zod';
import { err, ok } from '../../core/result.ts';
import type { Echoing } from '../provider/echo.ts';
import { problem } from '../wechatpay/rules.ts';
import { failureOf, signedRequest, unverified } from './api.ts';
import type { Credentials } from './credentials.ts';
import { parseJson } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';

const PATH = '/v3/security/echo';
const MESSAGE = 'Tollgate';

const EchoAnswer = z.object({ echo_message: z.literal(MESSAGE) });

export const echo: NonNullable<Echoing<Credentials>['echo']> = {
  noticeType: 'SECURITY_ECHO.SUCCESS',
  request: async (notifyUrl, credentials, keys, context) => {
    const body = JSON.stringify({ notify_url: notifyUrl, echo_message: MESSAGE });
    const request = await signedRequest('POST', PATH, body, credentials, context);
    if (!request.ok || 'wechatpay-serial' in request.value.headers) return request;
    // The header is required here; without a public key it names a platform certificate.
    const serial = Object.keys(credentials.platformKeys)[0] ?? keys[0]?.serial;
    if (serial === undefined) {
      return problem('not_configured', 'No key of WeChat Pay is known yet: add the public key, or wait a minute.');
    }
    return ok({ ...request.value, headers: { ...request.value.headers, 'wechatpay-serial': serial } });
  },
  read: async (answer, credentials, keys, now) => {
    const failure = failureOf(answer);
    if (failure !== null) return err(failure);
    const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, keys), now);
    if (!proof.ok) return err(unverified(proof.error));
    const isOurs = EchoAnswer.safeParse(parseJson(answer.body)).success;
    return isOurs ? ok(true) : problem('malformed', 'WeChat Pay answered without the message that it was sent.');
  },
};
