const SEALED = '[sealed]';

/**
 * A value in hand that cannot be printed. Every way of turning it into text gives `[sealed]`;
 * `reveal()` is the one act of opening it, and a test keeps that act to the places of delivery.
 */
export class Sealed {
  readonly #bytes: Uint8Array;
  /** True for ConfigMap `binaryData`: such a value never becomes a variable. */
  readonly binary: boolean;

  constructor(bytes: Uint8Array, options: { binary?: boolean } = {}) {
    this.#bytes = bytes;
    this.binary = options.binary ?? false;
  }

  /** Size in bytes: a fact that may be told. */
  get bytes(): number {
    return this.#bytes.byteLength;
  }

  reveal(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return SEALED;
  }

  toJSON(): string {
    return SEALED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SEALED;
  }
}
