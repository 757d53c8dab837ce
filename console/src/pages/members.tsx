/** Changes of the membership: what is under vote, who voted, what it still needs;
 * voting, and proposing to admit, renew or remove a member.
 *
 * The node signs proposals and votes with its own key: they are the institution's
 * word, given by a registrar or the operator. */
import { FileUp, KeyRound, ThumbsDown, ThumbsUp, UserRoundMinus, UserRoundPlus, Vote } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { ACT_MS_MAX, post } from '../api/client'
import { useGet, useStale } from '../api/queries'
import type { MemberView, ProposalView, Recorded } from '../api/types'
import { useMembers, useNames } from '../app/names'
import { isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { memberName, roles, word } from '../i18n/words'
import { type Card as MemberCard, grouped, readCard, unfit } from '../lib/card'
import { count } from '../lib/format'
import { useKept } from '../lib/kept'
import { Button, Card, Facts, Hex, PageHead, Progress, Status, Tags, When } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { Choice, Select, TextArea } from '../ui/form'
import { Await, Blank, Failed, Loading, Notice } from '../ui/state'
import { useToast } from '../ui/toast'

type Ballot = { proposal: ProposalView; yes: boolean }

export function MembersPage() {
  const { say, pick } = useSpeech()
  // An operator hears no events.
  const every = isOperator(useSession()) ? 5_000 : undefined
  const proposals = useGet<ProposalView[]>('/v1/proposals', every ? { refetchInterval: every } : {})
  const members = useMembers(every)
  const stale = useStale()
  const open = proposals.data?.map((one) => one.proposal).join()
  // A proposal that ended may have changed who is a member.
  useEffect(() => {
    if (open !== undefined) stale('/v1/network')
  }, [open])
  const [proposing, setProposing] = useState(false)
  const [ballot, setBallot] = useState<Ballot | null>(null)
  return (
    <>
      <PageHead
        title={say('成员变更', 'Members')}
        lead={say(
          '接纳、更换或移出成员，须由多数机构表决；票以各机构节点的密钥签名，记入账本，不能改投。',
          'Admitting, renewing or removing a member takes the votes of most institutions. Each vote is signed with its node’s key, stands on the ledger, and can’t be changed.',
        )}
        actions={
          <Button tone="primary" icon={Vote} onClick={() => setProposing(true)}>
            {say('提出变更', 'Propose a change')}
          </Button>
        }
      />
      <div className="stack">
        <Await
          query={proposals}
          lines={3}
          empty={{
            when: (list) => list.length === 0,
            show: (
              <Card>
                <Blank icon={Vote} title={say('没有待表决的变更', 'Nothing is under vote')}>
                  {say(
                    '提出后，各机构的登记员或运维人员会在此页看到并投票。',
                    'What is proposed is shown here to the registrars and operators of every institution, who vote on it.',
                  )}
                </Blank>
              </Card>
            ),
          }}
        >
          {(list) => (
            <ul className="stack" aria-label={say('待表决的变更', 'Under vote')}>
              {list.map((proposal) => (
                <li key={proposal.proposal}>
                  <Proposal
                    proposal={proposal}
                    members={members.data ?? []}
                    onVote={(yes) => setBallot({ proposal, yes })}
                  />
                </li>
              ))}
            </ul>
          )}
        </Await>
      </div>
      {proposing && <Propose members={members.data} onClose={() => setProposing(false)} />}
      {ballot && (
        <Act
          title={ballot.yes ? say('投赞成票', 'Vote for it') : say('投反对票', 'Vote against it')}
          body={{ change: 'vote', proposal: ballot.proposal.proposal, yes: ballot.yes }}
          danger={!ballot.yes}
          onClose={() => setBallot(null)}
        >
          <p>
            <strong>{pick(ballot.proposal)}</strong>
          </p>
          <BallotCard proposal={ballot.proposal} members={members.data ?? []} />
        </Act>
      )}
    </>
  )
}

/** The card that a proposal would put in office, read as one that is typed. */
function cardOf(proposal: ProposalView): MemberCard | null {
  if (proposal.card == null) return null
  const read = readCard(JSON.stringify(proposal.card))
  return 'card' in read ? read.card : null
}

function BallotCard({ proposal, members }: { proposal: ProposalView; members: readonly MemberView[] }) {
  const card = cardOf(proposal)
  return card && <CardFacts card={card} before={members.find((one) => one.institution === proposal.institution)} />
}

function Proposed({ proposal }: { proposal: ProposalView }) {
  const name = useNames()
  return (
    <>
      {name(proposal.proposed_by)} · <When ms={proposal.time_ms} />
    </>
  )
}

function Proposal({
  proposal,
  members,
  onVote,
}: {
  proposal: ProposalView
  members: readonly MemberView[]
  onVote: (yes: boolean) => void
}) {
  const { say, pick } = useSpeech()
  const session = useSession()
  const name = useNames()
  const { yes, no, needed } = proposal
  const silent = members.map((member) => member.institution).filter((id) => !yes.includes(id) && !no.includes(id))
  const mine = yes.includes(session.institution) ? true : no.includes(session.institution) ? false : null
  const missing = Math.max(0, needed - yes.length)
  const card = cardOf(proposal)
  const before = members.find((member) => member.institution === proposal.institution)
  const names = (list: readonly string[]) =>
    list.length > 0 ? <Tags items={list.map(name)} /> : <span className="muted">—</span>
  return (
    <Card
      title={pick(proposal)}
      extra={
        mine === null ? (
          <Status mood="wait">{say('等待本机构投票', 'This institution has not voted')}</Status>
        ) : mine ? (
          <Status mood="good" icon={ThumbsUp}>
            {say('本机构赞成', 'This institution is for it')}
          </Status>
        ) : (
          <Status mood="bad" icon={ThumbsDown}>
            {say('本机构反对', 'This institution is against it')}
          </Status>
        )
      }
    >
      <div className="stack">
        <div className="stack-s">
          <div className="row between">
            <span>{say(`赞成 ${yes.length} 家，须 ${needed} 家`, `${yes.length} for it, ${needed} needed`)}</span>
            <span className="muted">{say(`还差 ${missing} 票`, `${count(missing, 'vote')} missing`)}</span>
          </div>
          <Progress value={yes.length / Math.max(1, needed)} label={say('赞成票', 'Votes for it')} />
        </div>
        {card && <CardFacts card={card} before={before} />}
        <Facts
          items={[
            [say('提出', 'Proposed'), <Proposed key="p" proposal={proposal} />],
            [say('赞成', 'For'), names(yes)],
            [say('反对', 'Against'), names(no)],
            [say('未投', 'Not yet'), names(silent)],
            [say('记录', 'Record'), <Hex key="r" id={proposal.proposal} />],
          ]}
        />
        {mine === null && (
          <div className="row">
            <Button tone="primary" icon={ThumbsUp} onClick={() => onVote(true)}>
              {say('赞成…', 'For it…')}
            </Button>
            <Button tone="danger" icon={ThumbsDown} onClick={() => onVote(false)}>
              {say('反对…', 'Against it…')}
            </Button>
          </div>
        )}
      </div>
    </Card>
  )
}

/** One word of the institution's, told once more before the node signs it. */
function Act({
  title,
  body,
  danger,
  children,
  onClose,
  onDone,
}: {
  title: string
  body: Record<string, unknown>
  danger?: boolean
  children: ReactNode
  onClose: () => void
  onDone?: () => void
}) {
  const { say } = useSpeech()
  const stale = useStale()
  const toast = useToast()
  const name = useNames()
  const session = useSession()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const send = async () => {
    setBusy(true)
    setError(null)
    try {
      const recorded = await post<Recorded>('/v1/membership', body, { limitMs: ACT_MS_MAX })
      toast({
        mood: 'good',
        text: say(`已写入账本：${title}（第 ${recorded.index} 条）`, `Final: ${title} (record ${recorded.index})`),
      })
      onDone?.()
      onClose()
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy(false)
      stale('/v1/proposals', '/v1/network', '/v1/status')
    }
  }
  return (
    <Dialog
      title={title}
      locked={busy}
      onClose={onClose}
      footer={
        <>
          {!busy && (
            <Button tone="quiet" onClick={onClose}>
              {say('取消', 'Cancel')}
            </Button>
          )}
          <Button
            tone={danger ? 'danger' : 'primary'}
            icon={KeyRound}
            busy={busy}
            disabled={busy}
            data-testid="membership"
            onClick={() => void send()}
          >
            {busy ? say('等待各机构确认…', 'Waiting until it is final…') : say('由节点签名', 'Have the node sign')}
          </Button>
        </>
      }
    >
      <div className="stack">
        {children}
        <Notice mood="wait">
          {say(
            `以${name(session.institution)}的名义，用节点的密钥签名并记入账本，不能撤回。`,
            `In the name of ${name(session.institution)}, signed with its node’s key; it stands on the ledger and can’t be taken back.`,
          )}
        </Notice>
        {error !== null && <Failed error={error} />}
      </div>
    </Dialog>
  )
}

type Kind = 'admit' | 'replace' | 'remove'

function Propose({ members, onClose }: { members: MemberView[] | undefined; onClose: () => void }) {
  const { say, lang } = useSpeech()
  const [form, setForm, drop] = useKept('membership', () => ({ kind: 'admit' as Kind, text: '', institution: '' }))
  const [tried, setTried] = useState(false)
  const [sure, setSure] = useState(false)
  const read = form.text.trim() ? readCard(form.text) : null
  const card = read && 'card' in read ? read.card : null
  const bad =
    read && 'wrong' in read ? read.wrong : form.kind !== 'remove' && card ? unfit(form.kind, card, members ?? []) : null
  const member = members?.find((one) => one.institution === form.institution)
  const ready = form.kind === 'remove' ? !!member : !!card && !bad
  const kinds: Record<Kind, string> = {
    admit: say('接纳成员', 'Admit a member'),
    replace: say('更换名片', 'A member’s new card'),
    remove: say('移出成员', 'Remove a member'),
  }
  if (sure && ready)
    return (
      <Act
        title={kinds[form.kind]}
        body={
          form.kind === 'remove' ? { change: 'remove', institution: form.institution } : { change: form.kind, card }
        }
        danger={form.kind === 'remove'}
        onClose={() => setSure(false)}
        onDone={() => {
          drop()
          onClose()
        }}
      >
        {form.kind === 'remove' ? (
          <p>
            {say(
              `提议 ${memberName(member?.name ?? '', lang)} 退出网络。`,
              `Propose that ${memberName(member?.name ?? '', lang)} leaves the network.`,
            )}
          </p>
        ) : (
          card && <CardFacts card={card} before={members?.find((one) => one.institution === card.institution.id)} />
        )}
      </Act>
    )
  return (
    <Dialog
      title={say('提出变更', 'Propose a change')}
      onClose={onClose}
      footer={
        <>
          <Button tone="quiet" onClick={onClose}>
            {say('取消', 'Cancel')}
          </Button>
          <Button
            tone="primary"
            onClick={() => {
              setTried(true)
              setSure(ready)
            }}
          >
            {say('核对…', 'Review…')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Choice
          legend={say('哪种变更', 'Which change')}
          chosen={form.kind}
          onChange={(kind) => setForm({ ...form, kind: kind as Kind })}
          options={[
            {
              value: 'admit',
              name: <strong>{kinds.admit}</strong>,
              what: say('以其名片 card.json', 'By its card.json'),
            },
            {
              value: 'replace',
              name: <strong>{kinds.replace}</strong>,
              what: say('新密钥、角色或地址', 'New keys, roles or addresses'),
            },
            {
              value: 'remove',
              name: <strong>{kinds.remove}</strong>,
              what: say('其节点与经办人不再有权', 'Its node and officers lose their say'),
            },
          ]}
        />
        {form.kind === 'remove' ? (
          members === undefined ? (
            <Loading lines={2} />
          ) : (
            <Select
              label={say('哪个成员', 'Which member')}
              value={form.institution}
              onChange={(event) => setForm({ ...form, institution: event.target.value })}
              error={tried && !member ? say('请选择成员', 'Choose a member') : undefined}
              options={[
                ['', say('请选择', 'Choose')],
                ...members.map((one) => [one.institution, memberName(one.name, lang)] as const),
              ]}
            />
          )
        ) : (
          <CardText
            text={form.text}
            setText={(text) => setForm({ ...form, text })}
            rotate={form.kind === 'replace'}
            error={bad ? say(bad[0], bad[1]) : tried && !card ? say('请给出名片', 'Give the card') : undefined}
          />
        )}
        {form.kind !== 'remove' && card && !bad && (
          <CardFacts card={card} before={members?.find((one) => one.institution === card.institution.id)} />
        )}
        {form.kind === 'remove' && member && (
          <Notice mood="wait" icon={UserRoundMinus}>
            {say(
              `表决通过后，${memberName(member.name, lang)} 的节点公钥与 ${member.officers.length} 名经办人的凭据即告作废，不能再用。`,
              `Once it is carried, the key of ${memberName(member.name, lang)} and the credentials of its ${count(member.officers.length, 'officer')} are void for good.`,
            )}
          </Notice>
        )}
      </div>
    </Dialog>
  )
}

function CardText({
  text,
  setText,
  rotate,
  error,
}: {
  text: string
  setText: (text: string) => void
  rotate: boolean
  error: string | undefined
}) {
  const { say } = useSpeech()
  const file = useRef<HTMLInputElement>(null)
  return (
    <div className="stack-s">
      <TextArea
        label={say('名片', 'Card')}
        hint={
          rotate
            ? say(
                'card.next.json 的内容：由该机构运维人员以 cordon network rotate 生成',
                'The content of card.next.json, which the member’s operator makes with cordon network rotate',
              )
            : say(
                'card.json 的内容：由该机构以 cordon init 生成',
                'The content of card.json, which the institution makes with cordon init',
              )
        }
        className="mono"
        rows={6}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={error}
      />
      <div>
        <Button small icon={FileUp} onClick={() => file.current?.click()}>
          {say('选择文件', 'Choose the file')}
        </Button>
        <input
          ref={file}
          type="file"
          accept=".json,application/json"
          hidden
          data-testid="card"
          onChange={(event) => {
            const [chosen] = event.target.files ?? []
            // Whatever is too large for a card is told so by its reader.
            void chosen?.slice(0, 40_000).text().then(setText)
            event.target.value = ''
          }}
        />
      </div>
    </div>
  )
}

/** A card's content, and what of it is new where the member is known. */
function CardFacts({ card, before }: { card: MemberCard; before: MemberView | undefined }) {
  const { say, lang } = useSpeech()
  const { id, name, roles: held, node_key, ledger_address, exchange_address } = card.institution
  const rotates = before !== undefined && before.node_key !== node_key
  return (
    <>
      <Facts
        items={[
          [say('机构', 'Institution'), `${memberName(name, lang)} · ${id}`],
          [say('角色', 'Roles'), <Tags key="r" items={held.map((role) => word(roles, role, lang))} />],
          before
            ? [
                say('节点公钥', 'Node’s key'),
                rotates ? (
                  <Status mood="wait" icon={KeyRound}>
                    {say('换成新密钥', 'a new key')}
                  </Status>
                ) : (
                  <Status mood="off">{say('不变', 'stays')}</Status>
                ),
              ]
            : [
                say('节点公钥', 'Node’s key'),
                <Status key="n" mood="run" icon={UserRoundPlus}>
                  {say('新成员', 'a new member')}
                </Status>,
              ],
          [
            '',
            <code key="k" className="fingerprint">
              {grouped(node_key)}
            </code>,
          ],
          [say('地址', 'Addresses'), <code key="a">{`${ledger_address} · ${exchange_address}`}</code>],
        ]}
      />
      <Notice mood="wait" title={say('先核对公钥', 'Compare the key first')}>
        {say(
          '请当面或以电话与该机构逐字核对上面的公钥：名片可能在途中被换过。',
          'Compare the key above with the institution, in person or by telephone: a card may have been swapped on its way.',
        )}
      </Notice>
    </>
  )
}
