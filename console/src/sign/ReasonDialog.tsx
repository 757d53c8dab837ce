/** Asks for a reason, then hands the act to the signing dialog. */
import { type ReactNode, useState } from 'react'
import type { Act } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { Button } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { TextArea } from '../ui/form'
import { useSign } from './SignDialog'

export function ReasonDialog({
  title,
  label,
  hint,
  ready = true,
  danger,
  act,
  onClose,
  onDone,
  children,
}: {
  title: string
  label?: string
  hint?: string
  /** Whether what stands beside the reason is complete. */
  ready?: boolean
  danger?: boolean
  act: (reason: string) => Act
  onClose: () => void
  onDone?: () => void
  children?: ReactNode
}) {
  const { say } = useSpeech()
  const sign = useSign()
  const [reason, setReason] = useState('')
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button tone="quiet" onClick={onClose}>
            {say('取消', 'Cancel')}
          </Button>
          <Button
            tone={danger ? 'danger' : 'primary'}
            disabled={!reason.trim() || !ready}
            onClick={() => {
              onClose()
              sign({ act: act(reason.trim()), ...(danger && { danger }), ...(onDone && { onDone }) })
            }}
          >
            {say('核对并签名…', 'Review and sign…')}
          </Button>
        </>
      }
    >
      <div className="stack">
        {children}
        <TextArea
          label={label ?? say('理由', 'Reason')}
          {...(hint && { hint })}
          value={reason}
          onChange={(e) => setReason(e.target.value)}
        />
      </div>
    </Dialog>
  )
}
