/** Dialogs and drawers on the browser's own `<dialog>`: it holds the focus,
 * closes by Escape, makes the page behind inert, and gives the focus back. */
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useSpeech } from '../i18n/lang'
import { IconButton } from './basic'

export function Dialog({
  title,
  onClose,
  children,
  footer,
  drawer,
  locked,
}: {
  title: ReactNode
  onClose: () => void
  children: ReactNode
  footer?: ReactNode
  drawer?: boolean
  /** While true neither Escape nor the cross closes it. */
  locked?: boolean
}) {
  const { say } = useSpeech()
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const element = dialog.current
    const before = document.activeElement
    element?.showModal()
    return () => {
      element?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className={drawer ? 'drawer' : undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        if (!locked) onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current && !locked) onClose()
      }}
    >
      <header>
        <h2 id={id} style={{ fontSize: 'var(--t-xl)' }}>
          {title}
        </h2>
        {!locked && <IconButton label={say('关闭', 'Close')} icon={X} onClick={onClose} />}
      </header>
      {/* Scrollable content takes the focus, so that keys scroll it. */}
      <div className="body" tabIndex={0}>
        {children}
      </div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  )
}
