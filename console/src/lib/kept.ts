/** Typed text that outlives a page: in memory only, since forms hold subjects. */
import { useCallback, useState } from 'react'

const kept = new Map<string, unknown>()

/** Like `useState`, but what was set stands again when the page comes back. */
export function useKept<T>(key: string, initial: () => T): [T, (next: T | ((before: T) => T)) => void, () => void] {
  const [value, setValue] = useState<T>(() => (kept.has(key) ? (kept.get(key) as T) : initial()))
  const set = useCallback(
    (next: T | ((before: T) => T)) =>
      setValue((before) => {
        const after = typeof next === 'function' ? (next as (before: T) => T)(before) : next
        kept.set(key, after)
        return after
      }),
    [key],
  )
  const drop = useCallback(() => {
    kept.delete(key)
    setValue(initial())
    // The initial value is made anew; its maker does not change.
  }, [key])
  return [value, set, drop]
}

/** Whether anything typed is kept. */
export const anythingKept = (): boolean => kept.size > 0

export function forgetKept(): void {
  kept.clear()
}
