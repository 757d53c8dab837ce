/** Short words about what has just been done, for eyes and screen readers. */
import type { LucideIcon } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react'
import { Notice } from './state'

interface Toast {
  text: string
  mood: 'good' | 'bad' | 'wait' | 'run'
  icon?: LucideIcon
}

const SHOWN_MS = 6_000
const Context = createContext<((toast: Toast) => void) | null>(null)

export function useToast(): (toast: Toast) => void {
  const toast = useContext(Context)
  if (!toast) throw new Error('no ToastProvider above')
  return toast
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<(Toast & { id: number })[]>([])
  const next = useRef(0)
  const show = useCallback((toast: Toast) => {
    const id = next.current++
    setShown((before) => [...before.slice(-2), { ...toast, id }])
    setTimeout(() => setShown((before) => before.filter((one) => one.id !== id)), SHOWN_MS)
  }, [])
  return (
    <Context.Provider value={show}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {shown.map((one) => (
          <Notice key={one.id} mood={one.mood} {...(one.icon ? { icon: one.icon } : {})}>
            {one.text}
          </Notice>
        ))}
      </div>
    </Context.Provider>
  )
}
