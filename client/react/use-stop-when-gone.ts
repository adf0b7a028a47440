import { useEffect, useMemo } from 'react';

/**
 * Calls `stop` when the component has gone. Strict mode takes every effect back once and makes it again at once: only a
 * component that stays gone counts.
 */
export function useStopWhenGone(stop: () => void): void {
  const pending = useMemo<{ timer?: ReturnType<typeof setTimeout> }>(() => ({}), []);
  useEffect(() => {
    clearTimeout(pending.timer);
    return () => {
      pending.timer = setTimeout(stop, 0);
    };
  }, [pending, stop]);
}
