// Mends the Node that the pure tests run on: behind --js-base-64, V8 13.6 writes the hex and the base64 of a view from
// the start of its buffer. workerd's V8 does not, which test/worker/sm.test.ts proves. Changes nothing else, and mends
// once: files that share a process all come by here.
const whole = (view: Uint8Array) => (view.length === view.buffer.byteLength ? view : view.slice());
const { toHex, toBase64 } = Uint8Array.prototype;

if (new Uint8Array([1, 2]).subarray(1).toHex() !== '02') {
  Uint8Array.prototype.toHex = function () {
    return toHex.call(whole(this));
  };
  Uint8Array.prototype.toBase64 = function (options) {
    return toBase64.call(whole(this), options);
  };
}
