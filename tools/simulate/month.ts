// Lets the planned month happen: who registers, pays, gives back and complains when. Counts what was lost on its way.
// Knows nothing of what the gateway makes of it.
import { z } from 'zod';
import type { Misbehaviour } from '../../src/sandbox/notice.ts';
import { Sentence } from '../terminal.ts';
import { playedNow } from './clock.ts';
import type { Fate, Plan, PlannedOrder, PlannedRefund, PlannedStranger } from './plan.ts';
import { CHANNEL, type World } from './world.ts';

const Any = z.looseObject({});
const HOUR_MS = 3_600_000;
/** A notice that others overtake comes so much later. */
const OVERTAKEN_MS = 20 * 60_000;
/** A merchant asks for a refund again while the gateway does not know the payment. */
const REFUND_TRIES = 12;

export class Month {
  readonly #world: World;
  readonly #startsAt: number;
  callbacksLost = 0;

  constructor(world: World, startsAt: number) {
    this.#world = world;
    this.#startsAt = startsAt;
  }

  plan({ orders, strangers }: Plan): void {
    for (const order of orders) this.#planOrder(order);
    for (const stranger of strangers) this.#planStranger(stranger);
  }

  #planOrder(order: PlannedOrder): void {
    const { timeline } = this.#world;
    const at = this.#startsAt + order.atMs;
    if (order.origin !== 'open') timeline.at(at, () => this.#register(order));
    if (order.paidAfterMs === null) return;
    const paidAt = at + order.paidAfterMs;
    timeline.at(paidAt, () => this.#pay(order));
    if (order.isPaidTwice) timeline.at(paidAt + 90_000, () => this.#payAgain(order));
    if (order.isComplainedOf) timeline.at(paidAt + 5 * HOUR_MS, () => this.#complain(order));
    for (const refund of order.refunds) timeline.at(paidAt + refund.afterMs, () => this.#giveBack(order, refund, 1));
  }

  /** Another shop on the same account: nobody tells the gateway, and the bill has it. */
  #planStranger({ orderNo: outTradeNo, minor: amount, atMs, appId }: PlannedStranger): void {
    const { timeline, wechat } = this.#world;
    const whose = appId === null ? {} : { appId };
    const notifyUrl = 'http://127.0.0.1:9/elsewhere';
    timeline.at(this.#startsAt + atMs, () =>
      wechat.pay({ outTradeNo, amount, ...whose, notifyUrl, misbehave: 'lost' }),
    );
  }

  async #register({ orderNo, origin, minor, expiresAfterMs }: PlannedOrder): Promise<void> {
    const expiresAt = new Date(playedNow() + expiresAfterMs).toISOString();
    const amount = { minor, currency: 'CNY' };
    const pay = origin === 'pay';
    await this.#world.client.send('POST', '/v1/orders', { channel: CHANNEL, orderNo, amount, expiresAt, pay }, Any);
  }

  #pay({ orderNo: outTradeNo, minor: amount, origin, fate, feeFen, paidAfterMs, expiresAfterMs }: PlannedOrder): void {
    const isLate = (paidAfterMs ?? 0) > expiresAfterMs;
    // Its attempts go on by themselves; the timeline waits for what is on the network.
    this.#world.wechat.pay({
      outTradeNo,
      amount,
      // What was made elsewhere does not know where its notices go.
      ...(origin === 'pay' ? {} : { notifyUrl: this.#world.callbackUrl }),
      ...(feeFen === null ? {} : { feeFen }),
      ...(isLate ? { evenIfClosed: true } : {}),
      ...this.#onItsWay(fate),
    });
  }

  #payAgain({ orderNo: outTradeNo }: PlannedOrder): void {
    this.#world.wechat.pay({ outTradeNo, again: true, notifyUrl: this.#world.callbackUrl });
  }

  #complain({ orderNo: outTradeNo }: PlannedOrder): void {
    this.#world.wechat.complain({ outTradeNo, notifyUrl: this.#world.callbackUrl });
  }

  async #giveBack(order: PlannedOrder, refund: PlannedRefund, tries: number): Promise<void> {
    const { refundNo: outRefundNo, minor: amount, status, fate } = refund;
    if (refund.by === 'console') {
      const told = { notifyUrl: this.#world.callbackUrl, ...this.#onItsWay(fate) };
      this.#world.wechat.refund({ outTradeNo: order.orderNo, outRefundNo, amount, status, ...told });
      return;
    }
    if (await this.#isTaken(order, refund)) {
      if (outRefundNo.endsWith('silent')) this.callbacksLost += 1;
      return;
    }
    if (tries === REFUND_TRIES) throw new Sentence(`The gateway took refund ${outRefundNo} in none of ${tries} tries.`);
    this.#world.timeline.at(playedNow() + 6 * HOUR_MS, () => this.#giveBack(order, refund, tries + 1));
  }

  async #isTaken({ orderNo }: PlannedOrder, { refundNo, minor }: PlannedRefund): Promise<boolean> {
    const path = `/v1/orders/${CHANNEL}/${orderNo}/refunds`;
    const amount = { minor, currency: 'CNY' };
    try {
      await this.#world.client.send('POST', path, { refundNo, amount, reason: 'simulated' }, Any);
      return true;
    } catch (error) {
      if (error instanceof Sentence) return false;
      throw error;
    }
  }

  #onItsWay(fate: Fate): { misbehave?: Misbehaviour; copies?: number; delayMs?: number } {
    switch (fate) {
      case 'ok':
        return {};
      case 'lost':
        this.callbacksLost += 1;
        return { misbehave: 'lost' };
      case 'duplicate':
        return { misbehave: 'duplicate', copies: 1 };
      case 'reorder':
        return { misbehave: 'delay', delayMs: OVERTAKEN_MS };
    }
  }
}
