/** The one way to bind: prepare, compare, show, assert, submit.
 *
 * What is shown comes from the header's own bytes, decoded here. The passkey is
 * asked for only after every check of `header.ts` held.
 */
import { Check, Fingerprint, RotateCw, ShieldAlert, ShieldCheck } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react'
import { ACT_MS_MAX, ApiFailure, post, whenHere } from '../api/client'
import type { Act, Prepared, Recorded } from '../api/types'
import { useSession, useSessionState } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { acts, word } from '../i18n/words'
import { Button, Hex } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { Failed, Loading, Notice } from '../ui/state'
import { useToast } from '../ui/toast'
import { type Beside, check, type Header, NotAsked } from './header'
import { assertion, PasskeyRefused } from './passkey'
import { WhatIsSigned } from './WhatIsSigned'

export interface SignRequest {
  act: Act
  beside?: Beside
  /** What else the officer should read before signing. */
  note?: ReactNode
  danger?: boolean
  onDone?: (recorded: Recorded) => void
}

const Context = createContext<((request: SignRequest) => void) | null>(null)

/** Opens the signing dialog. */
export function useSign(): (request: SignRequest) => void {
  const sign = useContext(Context)
  if (!sign) throw new Error('no SignProvider above')
  return sign
}

export function SignProvider({ children }: { children: ReactNode }) {
  const [request, setRequest] = useState<SignRequest | null>(null)
  const sign = useCallback((next: SignRequest) => setRequest(next), [])
  return (
    <Context.Provider value={sign}>
      {children}
      {request && <SignDialog request={request} onClose={() => setRequest(null)} />}
    </Context.Provider>
  )
}

type Step =
  | { at: 'preparing' }
  | { at: 'failed'; error: unknown }
  | { at: 'unlike'; what: string }
  | { at: 'ready'; prepared: Prepared; header: Header; error?: unknown }
  | { at: 'asserting'; prepared: Prepared; header: Header }
  | { at: 'submitting'; prepared: Prepared; header: Header; made: unknown }
  | { at: 'unsure'; prepared: Prepared; header: Header; made: unknown; error: unknown }

const prepareWhenHere = (act: Act, signal: AbortSignal): Promise<Prepared> =>
  whenHere(() => post<Prepared>('/v1/acts/prepare', act, { signal, limitMs: ACT_MS_MAX }))

function SignDialog({ request, onClose }: { request: SignRequest; onClose: () => void }) {
  const { say, lang } = useSpeech()
  const session = useSession()
  const { prolong } = useSessionState()
  const toast = useToast()
  const [step, setStep] = useState<Step>({ at: 'preparing' })
  const [round, setRound] = useState(0)
  const signButton = useRef<HTMLButtonElement>(null)
  const { act } = request

  useEffect(() => {
    const ended = new AbortController()
    setStep({ at: 'preparing' })
    const run = async () => {
      try {
        const prepared = await prepareWhenHere(act, ended.signal)
        const header = await check(act, prepared, session, request.beside ?? {}, Date.now())
        if (!ended.signal.aborted) setStep({ at: 'ready', prepared, header })
      } catch (error) {
        if (ended.signal.aborted) return
        if (error instanceof NotAsked) setStep({ at: 'unlike', what: error.what })
        else setStep({ at: 'failed', error })
      }
    }
    void run()
    return () => ended.abort()
    // One request is one act: a new one is a new dialog.
  }, [round])

  useEffect(() => {
    if (step.at === 'ready') signButton.current?.focus()
  }, [step.at])

  const submit = async (prepared: Prepared, header: Header, made: unknown) => {
    setStep({ at: 'submitting', prepared, header, made })
    try {
      const recorded = await post<Recorded>(
        '/v1/acts/submit',
        { id: prepared.id, assertion: made },
        { limitMs: ACT_MS_MAX },
      )
      prolong()
      toast({
        mood: 'good',
        icon: Check,
        text: say(
          `已签名并写入账本：${word(acts, act.act, lang)}（第 ${recorded.index} 条）`,
          `Signed and final: ${word(acts, act.act, lang)} (record ${recorded.index})`,
        ),
      })
      onClose()
      request.onDone?.(recorded)
    } catch (error) {
      const again = error instanceof ApiFailure && (error.body.retry || error.signedOut)
      if (again) setStep({ at: 'unsure', prepared, header, made, error })
      else setStep({ at: 'failed', error })
    }
  }

  const assertAndSubmit = async (prepared: Prepared, header: Header) => {
    setStep({ at: 'asserting', prepared, header })
    try {
      const made = await assertion(prepared.assertion)
      await submit(prepared, header, made)
    } catch (error) {
      setStep({ at: 'ready', prepared, header, error })
    }
  }

  const busy = step.at === 'asserting' || step.at === 'submitting'
  return (
    <Dialog
      title={word(acts, act.act, lang)}
      onClose={onClose}
      locked={busy}
      footer={
        <>
          {!busy && (
            <Button onClick={onClose} tone="quiet">
              {say('取消', 'Cancel')}
            </Button>
          )}
          {step.at === 'failed' && (
            <Button icon={RotateCw} onClick={() => setRound(round + 1)}>
              {say('重新准备', 'Prepare again')}
            </Button>
          )}
          {step.at === 'unsure' && (
            <Button tone="primary" icon={RotateCw} onClick={() => void submit(step.prepared, step.header, step.made)}>
              {say('再次提交同一签名', 'Submit the same signature again')}
            </Button>
          )}
          {(step.at === 'ready' || busy) && (
            <button
              ref={signButton}
              type="button"
              className={`button ${request.danger ? 'danger' : 'primary'}`}
              disabled={busy}
              aria-busy={busy || undefined}
              data-testid="sign"
              onClick={() => step.at === 'ready' && void assertAndSubmit(step.prepared, step.header)}
            >
              <Fingerprint size={17} aria-hidden />
              {step.at === 'asserting'
                ? say('等待通行密钥…', 'Waiting for the passkey…')
                : step.at === 'submitting'
                  ? say('等待各机构确认…', 'Waiting until it is final…')
                  : say('以通行密钥签名', 'Sign with passkey')}
            </button>
          )}
        </>
      }
    >
      <div className="stack">
        {step.at === 'preparing' && <Loading lines={4} />}
        {step.at === 'failed' && <Failed error={step.error} />}
        {step.at === 'unlike' && (
          <Notice
            mood="bad"
            role="alert"
            icon={ShieldAlert}
            title={say(
              '没有签名：节点准备的记录与所要求的不符',
              'Nothing was signed: the node prepared something other than what was asked',
            )}
          >
            <code>{step.what}</code>
            <div>{say('请让工程师检查本机构节点。', 'Have the engineer examine this institution’s node.')}</div>
          </Notice>
        )}
        {'header' in step && (
          <>
            {request.note}
            <WhatIsSigned header={step.header} />
            <Notice mood="good" icon={ShieldCheck}>
              <span className="small">
                {say(
                  '本页已解码待签字节并逐项核对：与您所要求的一致，网络、机构、经办人、时间无误；通行密钥的挑战值即出自这些字节。',
                  'This page decoded the bytes to sign and compared them: they say what you asked, for this network, institution and officer, now; the passkey’s challenge commits to them.',
                )}{' '}
                <Hex id={step.prepared.id} what={say('准备编号', 'prepared id')} />
              </span>
            </Notice>
          </>
        )}
        {step.at === 'ready' && step.error !== undefined && <PasskeyTrouble error={step.error} />}
        {step.at === 'unsure' && (
          <>
            <Failed error={step.error} />
            <Notice mood="wait">
              {say(
                '签名已作出但未确认写入。可放心重复提交：同一记录只会入账一次。',
                'The signature was made, but is not known to be final. Submit it again: the record stands in the log once.',
              )}
            </Notice>
          </>
        )}
      </div>
    </Dialog>
  )
}

export function PasskeyTrouble({ error }: { error: unknown }) {
  const { say } = useSpeech()
  if (!(error instanceof PasskeyRefused)) return <Failed error={error} />
  const words = {
    cancelled: say(
      '通行密钥未确认，没有签名。可以再试。',
      'The passkey was not confirmed; nothing was signed. Try again.',
    ),
    unsupported: say(
      '此浏览器不支持通行密钥（WebAuthn）。请使用机构配发的新版浏览器。',
      'This browser has no passkeys (WebAuthn). Use an up-to-date one.',
    ),
    known: say('此设备上已有这位经办人的通行密钥。', 'This device already holds this officer’s passkey.'),
    failed: say('通行密钥操作失败。', 'The passkey failed.'),
  }[error.reason]
  return (
    <Notice mood="wait" role="alert" title={words}>
      {error.reason === 'failed' && <span className="small">{error.message}</span>}
    </Notice>
  )
}
