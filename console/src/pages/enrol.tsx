/** A new officer makes a passkey from the invitation's link. */
import { Fingerprint } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useParams, useSearchParams } from 'react-router'
import { post } from '../api/client'
import { Brand, Switches } from '../app/Shell'
import { useSpeech } from '../i18n/lang'
import { duties, memberName, word } from '../i18n/words'
import { PasskeyTrouble } from '../sign/SignDialog'
import { creation } from '../sign/passkey'
import { Button, Facts, Tags } from '../ui/basic'
import { Failed, Loading, Notice } from '../ui/state'

interface Invited {
  institution: string
  name: string
  officer: string
  duties: string[]
  publicKey: unknown
}
interface Made {
  registration: string
  credential: string
  fingerprint: string
  state: 'enrolled' | 'proposed' | 'waiting'
}

export function EnrolPage() {
  const { say, lang } = useSpeech()
  const { code } = useParams()
  const [invited, setInvited] = useState<Invited | null>(null)
  const [made, setMade] = useState<Made | null>(null)
  const [broken, setBroken] = useState<unknown>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)

  useEffect(() => {
    post<Invited>('/v1/passkeys/begin', { code }).then(setInvited, setBroken)
  }, [code])

  const make = async () => {
    if (!invited) return
    setBusy(true)
    setError(null)
    try {
      const credential = await creation(invited.publicKey)
      setMade(await post<Made>('/v1/passkeys/finish', { code, credential }, { limitMs: 90_000 }))
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy(false)
    }
  }

  return (
    <div className="gate">
      <header className="top">
        <Switches />
      </header>
      <main className="middle" aria-labelledby="page-title">
        <section className="card panel">
          <div className="body stack">
            <Brand sub={invited ? memberName(invited.name, lang) : ''} />
            <h1 id="page-title">{say('登记通行密钥', 'Enrol a passkey')}</h1>
            {broken !== null ? (
              <Failed error={broken} />
            ) : !invited ? (
              <Loading lines={3} />
            ) : (
              <>
                <Facts
                  items={[
                    [say('经办人', 'Officer'), <strong key="o">{invited.officer}</strong>],
                    [say('机构', 'Institution'), memberName(invited.name, lang)],
                    [say('职责', 'Duties'), <Tags key="d" items={invited.duties.map((d) => word(duties, d, lang))} />],
                  ]}
                />
                {made ? (
                  <Outcome made={made} />
                ) : (
                  <>
                    <p className="muted">
                      {say(
                        '通行密钥留在您的设备里，由指纹、面容或口令解锁。今后每一项有约束力的操作都要用它签名。',
                        'The passkey stays in your device, behind your finger, face or PIN. Every binding act will be signed with it.',
                      )}
                    </p>
                    <Button tone="primary" icon={Fingerprint} busy={busy} disabled={busy} onClick={() => void make()}>
                      {say('创建通行密钥', 'Create the passkey')}
                    </Button>
                    {error !== null && <PasskeyTrouble error={error} />}
                  </>
                )}
              </>
            )}
          </div>
        </section>
      </main>
    </div>
  )
}

function Outcome({ made }: { made: Made }) {
  const { say } = useSpeech()
  const [params] = useSearchParams()
  const guided = params.has('guide')
  return (
    <div className="stack">
      <div>
        <div className="muted small">{say('指纹', 'Fingerprint')}</div>
        <code style={{ fontSize: '1.3rem' }} data-testid="fingerprint">
          {made.fingerprint}
        </code>
      </div>
      {made.state === 'enrolled' ? (
        <Notice mood="good" role="status" title={say('已登记，可以登录', 'Enrolled: you can sign in')}>
          <a href={guided ? '#/tour?guide=1' : '#/'}>{say('前往登录', 'Go to sign-in')}</a>
        </Notice>
      ) : (
        <Notice
          mood="wait"
          role="status"
          title={
            made.state === 'waiting'
              ? say('等待两名登记员', 'Waiting for two registrars')
              : say('已提名，等待登记员确认', 'Proposed: a registrar must confirm')
          }
        >
          {say(
            '请当面或以电话向登记员念出上面的指纹，由其核对后签名。',
            'Read the fingerprint above to the registrars in person or by telephone; they compare it and sign.',
          )}
        </Notice>
      )}
    </div>
  )
}
