import type { RenderMeter } from './render-meter.ts';

type Step = Iterator<unknown, unknown, unknown>;

const isGenerator = (value: unknown): value is Required<Step> =>
  typeof value === 'object' && value !== null && 'next' in value && 'throw' in value;

/**
 * LiquidJS's `toValueSync`, on the meter: LiquidJS evaluates by generators that yield at each operand, operator, filter,
 * argument and branch, so that to count their steps is to count all that a template does, however it says it.
 */
export function evaluateMetered(root: unknown, meter: RenderMeter): unknown {
  if (!isGenerator(root)) return root;
  for (let state = root.next(undefined); ; ) {
    if (state.done) return state.value;
    meter.step();
    let value: unknown;
    try {
      value = evaluateMetered(state.value, meter);
    } catch (error) {
      state = root.throw(error);
      continue;
    }
    state = root.next(value);
  }
}
