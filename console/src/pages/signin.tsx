/** Sign-in by passkey; an operator's token as the second way. */
import { Fingerprint, KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Brand, Switches } from '../app/Shell'
import { useSession, useSessionState } from '../app/session'
import { useGet } from '../api/queries'
import type { NodeStatus } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { PasskeyTrouble } from '../sign/SignDialog'
import { Button } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { TextField } from '../ui/form'
import { Notice } from '../ui/state'

function useBusy(work: () => Promise<void>) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const run = async () => {
    setBusy(true)
    setError(null)
    try {
      await work()
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, run }
}

export function SignInPage() {
  const { say } = useSpeech()
  const { signIn } = useSessionState()
  const status = useGet<NodeStatus>('/v1/status', { retry: false, refetchInterval: 8_000 })
  const passkey = useBusy(signIn)
  return (
    <div className="gate">
      <header className="top">
        <Switches />
      </header>
      <main className="middle" aria-labelledby="page-title">
        <section className="card panel">
          <div className="body stack">
            <Brand sub={status.data ? status.data.institution : say('机构节点', 'Institution’s node')} />
            <div className="stack-s">
              <h1 id="page-title">{say('登录', 'Sign in')}</h1>
              <p className="muted">
                {say(
                  '用您的通行密钥登录本机构节点。无令状，不计算；每一步都留痕。',
                  'Use your passkey at this institution’s node. No warrant, no computation; every step leaves a record.',
                )}
              </p>
            </div>
            <Button
              tone="primary"
              icon={Fingerprint}
              busy={passkey.busy}
              disabled={passkey.busy}
              onClick={() => void passkey.run()}
            >
              {say('使用通行密钥登录', 'Sign in with passkey')}
            </Button>
            {passkey.error !== null && <PasskeyTrouble error={passkey.error} />}
            {status.error ? (
              <Notice mood="wait" role="status">
                {say('连接不到本机构节点；恢复后可登录。', 'The node can’t be reached; sign in when it is back.')}
              </Notice>
            ) : null}
            <OperatorForm />
            <p className="small muted">
              {say(
                '新经办人：请用登记员发给您的登记链接创建通行密钥。会话 15 分钟后结束。',
                'New officers: open the enrolment link from your registrars. Sessions end after 15 minutes.',
              )}
            </p>
          </div>
        </section>
      </main>
    </div>
  )
}

function OperatorForm() {
  const { say } = useSpeech()
  const { signInAsOperator } = useSessionState()
  const [token, setToken] = useState('')
  const operator = useBusy(() => signInAsOperator(token.trim()))
  const send = (event: FormEvent) => {
    event.preventDefault()
    void operator.run()
  }
  return (
    <details>
      <summary className="small">{say('运维人员：使用节点令牌', 'Operator: use the node’s token')}</summary>
      <form className="stack-s" onSubmit={send} style={{ marginTop: 12 }}>
        <TextField
          label={say('运维令牌', 'Operator’s token')}
          hint={say(
            '在节点数据目录的 operator.token 中；只留在此页内存里。',
            'In operator.token of the node’s data folder; kept in this page’s memory only.',
          )}
          type="password"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <div>
          <Button type="submit" icon={KeyRound} busy={operator.busy} disabled={!/^[0-9a-f]{64}$/.test(token.trim())}>
            {say('登录', 'Sign in')}
          </Button>
        </div>
        {operator.error !== null && <PasskeyTrouble error={operator.error} />}
      </form>
    </details>
  )
}

/** The session ended while the page was open: what was typed stays behind it. */
export function LapsedDialog() {
  const { say } = useSpeech()
  const session = useSession()
  const { signIn, signOut } = useSessionState()
  const passkey = useBusy(signIn)
  return (
    <Dialog
      title={say('请重新确认身份', 'Confirm that it is you')}
      locked
      onClose={() => undefined}
      footer={
        <>
          <Button tone="quiet" onClick={() => void signOut().catch(() => undefined)}>
            {say('退出登录', 'Sign out')}
          </Button>
          <Button
            tone="primary"
            icon={Fingerprint}
            busy={passkey.busy}
            disabled={passkey.busy}
            onClick={() => void passkey.run()}
          >
            {say('使用通行密钥', 'Use the passkey')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          {say(
            `会话已结束：15 分钟未签名，或节点重新启动过。${session.officer ?? ''} 请再次使用通行密钥；此页填写的内容都还在。`,
            `The session has ended: 15 minutes passed without a signature, or the node was started again. ${session.officer ?? ''}, use your passkey again; what you typed is still here.`,
          )}
        </p>
        {passkey.error !== null && <PasskeyTrouble error={passkey.error} />}
      </div>
    </Dialog>
  )
}
