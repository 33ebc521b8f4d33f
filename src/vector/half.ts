const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The nearest IEEE 754 half, ties to even, as the engine makes it (libsql 0.5.29): what is nearer to 0 than to 2^-24 becomes 0, what is
 * above 65504 becomes infinite.
 */
export function toHalf(value: number): number {
  float[0] = value;
  const given = bits[0] as number;
  const sign = (given >>> 16) & 0x8000;
  const exponent = ((given >>> 23) & 0xff) - 112;
  let mantissa = given & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  // A subnormal half has its leading one among the bits that are kept.
  const dropped = exponent <= 0 ? 14 - exponent : 13;
  if (exponent <= 0) mantissa |= 0x800000;
  const kept = (exponent <= 0 ? 0 : exponent << 10) | (mantissa >>> dropped);
  const rest = mantissa & ((1 << dropped) - 1);
  const half = 1 << (dropped - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

/** The value of an IEEE 754 half. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a 32-bit float, cut off and not rounded, as the engine makes it (libsql 0.5.29). */
export function toBfloat(value: number): number {
  float[0] = value;
  return (bits[0] as number) >>> 16;
}

/** The value of a bfloat16. */
export function fromBfloat(value: number): number {
  bits[0] = value << 16;
  return float[0] as number;
}
