import { verifyWebhook, type RegistryEvent } from 'modelkeep';
import { listen, type Receiver } from '../receiver.ts';

/** A secret of the tests. */
export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** A webhook that came, genuine. */
export interface Received {
  readonly id: string;
  readonly event: RegistryEvent;
}

/** Listens for webhooks; `answer` says with what status, and nothing hangs up. */
export function receiver(answer: (one: Received, n: number) => number | undefined | Promise<number | undefined> = () => 204): Promise<Receiver<Received>> {
  return listen(async (request) => {
    const { id, event } = await verifyWebhook(request, { secret });
    return { id, event: event as RegistryEvent };
  }, answer);
}
