/** The institution's officers: invite, compare fingerprints, propose, confirm, retire. */
import { BadgeCheck, Check, Copy, Send, UserMinus, UserPlus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { post } from '../api/client'
import { useGet, useStale } from '../api/queries'
import type { Act, Duty, Passkeys } from '../api/types'
import { useMembers } from '../app/names'
import { has, isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { duties, word } from '../i18n/words'
import { useSign } from '../sign/SignDialog'
import { Button, Card, Facts, Hex, PageHead, Tags, When } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { Picks, TextArea, TextField } from '../ui/form'
import { Await, Blank, Failed, Notice } from '../ui/state'

/** Which duties go with which role of the institution. */
const ALLOWED: Record<string, Duty[]> = {
  requester: ['investigator'],
  authority: ['judge'],
  custodian: ['approver', 'steward'],
  overseer: ['auditor'],
}

export function OfficersPage() {
  const { say } = useSpeech()
  const session = useSession()
  // A passkey that was just made waits without a record: no event tells of it.
  const members = useMembers(isOperator(session) ? 5_000 : undefined)
  const passkeys = useGet<Passkeys>('/v1/passkeys', { refetchInterval: 5_000 })
  const [inviting, setInviting] = useState(false)
  return (
    <>
      <PageHead
        title={say('经办人', 'Officers')}
        lead={say(
          '新通行密钥须由两名登记员先后签名：一人提名，另一人确认。',
          'A new passkey takes the signatures of two registrars: one proposes, another confirms.',
        )}
        actions={
          <Button tone="primary" icon={UserPlus} onClick={() => setInviting(true)}>
            {say('邀请经办人', 'Invite an officer')}
          </Button>
        }
      />
      <div className="stack">
        <Await
          query={passkeys}
          lines={3}
          empty={{ when: (p) => p.waiting.length + p.proposed.length === 0, show: null }}
        >
          {(p) => <Pending passkeys={p} />}
        </Await>
        <Await query={members}>
          {(list) => {
            const me = list.find((member) => member.institution === session.institution)
            return <Enrolled officers={me?.officers ?? []} />
          }}
        </Await>
      </div>
      {inviting && <Invite onClose={() => setInviting(false)} />}
    </>
  )
}

function Pending({ passkeys }: { passkeys: Passkeys }) {
  const { say, lang } = useSpeech()
  const session = useSession()
  const sign = useSign()
  const stale = useStale()
  const [error, setError] = useState<unknown>(null)
  const registrar = has(session, 'registrar')
  const done = () => stale('/v1/passkeys', '/v1/network')
  const confirm = async (proposal: string) => {
    setError(null)
    try {
      await post('/v1/officers', { act: 'confirm-officer', proposal }, { limitMs: 60_000 })
    } catch (caught) {
      setError(caught)
    }
    done()
  }
  return (
    <Card title={say('等待登记', 'Waiting to be enrolled')} flush>
      {error !== null && <Failed error={error} />}
      <ul className="tasks">
        {passkeys.waiting.map((one) => (
          <li key={one.registration} className="task">
            <div className="grow">
              <Facts
                items={[
                  [say('经办人', 'Officer'), <strong key="o">{one.officer}</strong>],
                  [say('职责', 'Duties'), <Tags key="d" items={one.duties.map((d) => word(duties, d, lang))} />],
                  [
                    say('指纹', 'Fingerprint'),
                    <code key="f" className="fingerprint">
                      {one.fingerprint}
                    </code>,
                  ],
                ]}
              />
            </div>
            {registrar && (
              <Button
                tone="primary"
                icon={Send}
                onClick={() =>
                  sign({
                    act: { act: 'propose-officer', registration: one.registration } as unknown as Act,
                    beside: { officer: { officer: one.officer, duties: one.duties, credential: one.credential } },
                    note: <Compare fingerprint={one.fingerprint} />,
                    onDone: done,
                  })
                }
              >
                {say('提名…', 'Propose…')}
              </Button>
            )}
          </li>
        ))}
        {passkeys.proposed.map((one) => (
          <li key={one.proposal} className="task">
            <div className="grow">
              <Facts
                items={[
                  [say('经办人', 'Officer'), <strong key="o">{one.officer}</strong>],
                  [say('职责', 'Duties'), <Tags key="d" items={one.duties.map((d) => word(duties, d, lang))} />],
                  [
                    say('指纹', 'Fingerprint'),
                    <code key="f" className="fingerprint">
                      {one.fingerprint}
                    </code>,
                  ],
                  [
                    say('提名', 'Proposed'),
                    <span key="p">
                      {one.proposed_by ?? say('节点', 'the node')} · <When ms={one.time_ms} />
                    </span>,
                  ],
                ]}
              />
            </div>
            {registrar && one.proposed_by !== session.officer && (
              <Button
                tone="primary"
                icon={BadgeCheck}
                onClick={() =>
                  sign({
                    act: { act: 'confirm-officer', proposal: one.proposal },
                    beside: { officer: one, proposal: one.proposal_bytes },
                    note: <Compare fingerprint={one.fingerprint} />,
                    onDone: done,
                  })
                }
              >
                {say('确认…', 'Confirm…')}
              </Button>
            )}
            {isOperator(session) && (
              <Button icon={BadgeCheck} onClick={() => void confirm(one.proposal)}>
                {say('以节点名义确认', 'Confirm as the node')}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Compare({ fingerprint }: { fingerprint: string }) {
  const { say } = useSpeech()
  return (
    <Notice mood="wait" title={say('先核对指纹', 'Compare the fingerprint first')}>
      <p>
        {say(
          '请经办人当面或以电话念出其屏幕上的指纹，与此处逐字核对：',
          'Have the officer read out the fingerprint on their screen, in person or by telephone, and compare:',
        )}
      </p>
      <code className="fingerprint">{fingerprint}</code>
    </Notice>
  )
}

function Enrolled({ officers }: { officers: { officer: string; key: string; duties: string[]; kind?: string }[] }) {
  const { say, lang } = useSpeech()
  const session = useSession()
  const sign = useSign()
  const stale = useStale()
  return (
    <Card title={say(`已登记（${officers.length}）`, `Enrolled (${officers.length})`)} flush>
      {officers.length === 0 ? (
        <Blank title={say('还没有经办人', 'No officers yet')} />
      ) : (
        <div className="table-wrap" tabIndex={0} role="group" aria-label={say('经办人', 'Officers')}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{say('经办人', 'Officer')}</th>
                <th scope="col">{say('职责', 'Duties')}</th>
                <th scope="col">{say('凭据', 'Credential')}</th>
                <th scope="col">
                  <span className="sr">{say('操作', 'Actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {officers.map((officer) => (
                <tr key={officer.key}>
                  <th scope="row" className="plain">
                    {officer.officer}
                  </th>
                  <td>
                    <Tags items={officer.duties.map((d) => word(duties, d, lang))} />
                  </td>
                  <td className="nowrap">
                    {officer.key.startsWith('passkey:')
                      ? say('通行密钥', 'passkey')
                      : say('命令行密钥', 'command-line key')}{' '}
                    <Hex id={officer.key.replace('passkey:', '')} />
                  </td>
                  <td className="num">
                    {has(session, 'registrar') && officer.officer !== session.officer && (
                      <Button
                        small
                        tone="danger"
                        icon={UserMinus}
                        onClick={() =>
                          sign({
                            act: { act: 'retire-officer', key: officer.key },
                            danger: true,
                            note: (
                              <Notice mood="wait">
                                {say(
                                  `${officer.officer} 将不能再登录或签名。`,
                                  `${officer.officer} will not sign in or sign any more.`,
                                )}
                              </Notice>
                            ),
                            onDone: () => stale('/v1/network', '/v1/passkeys'),
                          })
                        }
                      >
                        {say('注销…', 'Retire…')}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}

function Invite({ onClose }: { onClose: () => void }) {
  const { say, lang } = useSpeech()
  const session = useSession()
  const stale = useStale()
  const [officer, setOfficer] = useState('')
  const [chosen, setChosen] = useState<string[]>([])
  const [made, setMade] = useState<{ link: string; expires_ms: number } | null>(null)
  const [copied, setCopied] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const options = [...new Set([...session.roles.flatMap((role) => ALLOWED[role] ?? []), 'registrar'])]
  const good = /^[a-z0-9_-]{1,32}$/.test(officer)
  const send = async (event: FormEvent) => {
    event.preventDefault()
    setError(null)
    try {
      setMade(await post<{ link: string; expires_ms: number }>('/v1/passkeys/invite', { officer, duties: chosen }))
      stale('/v1/passkeys')
    } catch (caught) {
      setError(caught)
    }
  }
  return (
    <Dialog title={say('邀请经办人', 'Invite an officer')} onClose={onClose}>
      {made ? (
        <div className="stack">
          <Notice mood="good" title={say('邀请已生成', 'The invitation is made')}>
            {say(
              '请把链接交给本人；24 小时内有效，只能用一次。',
              'Give the link to the officer; it is good for 24 hours, once.',
            )}
          </Notice>
          <TextArea
            label={say('链接', 'Link')}
            className="mono"
            rows={2}
            readOnly
            value={made.link}
            onFocus={(e) => e.target.select()}
          />
          <div>
            <Button
              icon={copied ? Check : Copy}
              onClick={() => void navigator.clipboard?.writeText(made.link).then(() => setCopied(true))}
            >
              {copied ? say('已复制', 'Copied') : say('复制链接', 'Copy the link')}
            </Button>
          </div>
        </div>
      ) : (
        <form className="stack" onSubmit={(e) => void send(e)}>
          <TextField
            label={say('代号', 'Handle')}
            hint={say('化名，不用真实姓名：它会写上账本', 'A pseudonym, not a real name: it stands on the ledger')}
            value={officer}
            onChange={(e) => setOfficer(e.target.value)}
            error={
              officer && !good
                ? say('小写字母、数字、_、-，至多 32 个', 'lower-case letters, digits, _ and -, at most 32')
                : undefined
            }
          />
          <Picks
            legend={say('职责', 'Duties')}
            chosen={chosen}
            onChange={setChosen}
            options={options.map((d) => ({ value: d, name: word(duties, d, lang) }))}
          />
          {error !== null && <Failed error={error} />}
          <div>
            <Button type="submit" tone="primary" disabled={!good || chosen.length === 0}>
              {say('生成邀请', 'Make the invitation')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
