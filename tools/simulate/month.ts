// Lets the planned month happen: who registers, pays, gives back and complains when. Counts what was lost on its way.
// Knows nothing of what the gateway makes of it.
import { z } from 'zod';
import type { Misbehaviour } from '../../src/sandbox/notice.ts';
import { Sentence } from '../terminal.ts';
import { type Accidents, isWithin } from './accidents.ts';
import { playedNow } from './clock.ts';
import type { Fate, Plan, PlannedOrder, PlannedRefund, PlannedStranger } from './plan.ts';
import { CHANNEL, type World } from './world.ts';

const Any = z.looseObject({});
const HOUR_MS = 3_600_000;
/** A notice that others overtake comes so much later. */
const OVERTAKEN_MS = 20 * 60_000;
/** Keys are looked for once a minute: the new certificate is known so long after the API is back. */
const KEYS_AGAIN_MS = 3 * 60_000;
/** A merchant asks for a refund again while the gateway does not know the payment. */
const REFUND_TRIES = 12;

export class Month {
  readonly #world: World;
  readonly #startsAt: number;
  readonly #accidents: Accidents;
  callbacksLost = 0;

  constructor(world: World, startsAt: number, accidents: Accidents) {
    this.#world = world;
    this.#startsAt = startsAt;
    this.#accidents = accidents;
  }

  plan({ orders, strangers }: Plan): void {
    const { timeline, wechat, merchant } = this.#world;
    const { apiDown, shopDown, rotationAt } = this.#accidents;
    timeline.at(apiDown.from, () => wechat.setDown(true));
    timeline.at(apiDown.until, () => wechat.setDown(false));
    timeline.at(rotationAt, () => wechat.rotateCertificate());
    timeline.at(shopDown.from, () => merchant.set({ mode: 'fail' }));
    timeline.at(shopDown.until, () => merchant.set({ mode: 'ok' }));
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
    const order = { channel: CHANNEL, orderNo, amount, expiresAt, pay: origin === 'pay' };
    const refusal = await this.#refusalOf('/v1/orders', order);
    // While the provider's API is away there is no code to pay by, and this buyer leaves.
    const { from, until } = this.#accidents.apiDown;
    if (refusal === null || isWithin({ from, until: until + KEYS_AGAIN_MS }, playedNow())) return;
    throw new Sentence(`The gateway did not register ${orderNo} at ${new Date().toISOString()}: ${refusal}`);
  }

  #pay({ orderNo: outTradeNo, minor: amount, origin, fate, feeFen, paidAfterMs, expiresAfterMs }: PlannedOrder): void {
    if (origin === 'pay' && !this.#isKnown(outTradeNo)) return;
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
    if (!this.#isKnown(outTradeNo)) return;
    this.#world.wechat.pay({ outTradeNo, again: true, notifyUrl: this.#world.callbackUrl });
  }

  #complain({ orderNo: outTradeNo }: PlannedOrder): void {
    if (!this.#isKnown(outTradeNo)) return;
    this.#world.wechat.complain({ outTradeNo, notifyUrl: this.#world.callbackUrl });
  }

  async #giveBack(order: PlannedOrder, refund: PlannedRefund, tries: number): Promise<void> {
    const { refundNo: outRefundNo, minor: amount, status, fate } = refund;
    if (!this.#isKnown(order.orderNo)) return;
    if (refund.by === 'console') {
      const told = { notifyUrl: this.#world.callbackUrl, ...this.#onItsWay(fate) };
      this.#world.wechat.refund({ outTradeNo: order.orderNo, outRefundNo, amount, status, ...told });
      return;
    }
    const path = `/v1/orders/${CHANNEL}/${order.orderNo}/refunds`;
    const asked = { refundNo: outRefundNo, amount: { minor: amount, currency: 'CNY' }, reason: 'simulated' };
    const refusal = await this.#refusalOf(path, asked);
    if (refusal === null) {
      if (outRefundNo.endsWith('silent')) this.callbacksLost += 1;
      return;
    }
    if (tries === REFUND_TRIES) throw new Sentence(`The gateway did not take refund ${outRefundNo}: ${refusal}`);
    this.#world.timeline.at(playedNow() + 6 * HOUR_MS, () => this.#giveBack(order, refund, tries + 1));
  }

  #isKnown(orderNo: string): boolean {
    return this.#world.wechat.orders().some((order) => order.outTradeNo === orderNo);
  }

  /** Null: it was taken. */
  async #refusalOf(path: string, asked: object): Promise<string | null> {
    try {
      await this.#world.client.send('POST', path, asked, Any);
      return null;
    } catch (error) {
      if (error instanceof Sentence) return error.message;
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
