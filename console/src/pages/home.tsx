/** Today: what waits for this person, and what has just happened. */
import { ArrowRight, Coffee, FilePlus2 } from 'lucide-react'
import { Link } from 'react-router'
import { useGet } from '../api/queries'
import type { CaseCard, Wait } from '../api/types'
import { useNames } from '../app/names'
import { has, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { kinds, word } from '../i18n/words'
import { Card, LinkButton, PageHead, Phase, When } from '../ui/basic'
import { Await, Blank } from '../ui/state'
import { caseTitle, waitWords } from './case-words'

export function HomePage() {
  const { say, lang } = useSpeech()
  const session = useSession()
  const name = useNames()
  const cases = useGet<CaseCard[]>(session.officer ? '/v1/cases' : null)
  const hour = new Date().getHours()
  const greeting =
    hour < 12
      ? say('上午好', 'Good morning')
      : hour < 18
        ? say('下午好', 'Good afternoon')
        : say('晚上好', 'Good evening')
  if (!session.officer) return <OperatorHome />
  return (
    <>
      <PageHead
        title={say(`${greeting}，${session.officer}`, `${greeting}, ${session.officer}`)}
        lead={say(
          `${name(session.institution)}的待办与近况。`,
          `What waits at ${name(session.institution)}, and what has just happened.`,
        )}
        actions={
          has(session, 'investigator') && (
            <LinkButton to="/cases/new" tone="primary" icon={FilePlus2}>
              {say('申请令状', 'Draft a warrant')}
            </LinkButton>
          )
        }
      />
      <Await query={cases}>
        {(list) => {
          const mine = list.flatMap((card) =>
            card.waits
              .filter((wait) => wait.mine && (!wait.duty || has(session, wait.duty as never)))
              .map((wait) => ({ card, wait })),
          )
          const others = list.flatMap((card) => card.waits.filter((wait) => !wait.mine).map((wait) => ({ card, wait })))
          return (
            <div className="cols main-side">
              <div className="stack">
                <Card title={say('等您办理', 'Waiting for you')} flush>
                  {mine.length === 0 ? (
                    <Blank icon={Coffee} title={say('没有待办', 'Nothing waits for you')}>
                      {say(
                        '有新的申请、查询或答案时会出现在这里。',
                        'New drafts, questions and answers appear here by themselves.',
                      )}
                    </Blank>
                  ) : (
                    <ul className="tasks">
                      {mine.map(({ card, wait }) => (
                        <TaskRow key={`${card.warrant}${wait.what}${wait.question ?? ''}`} card={card} wait={wait} />
                      ))}
                    </ul>
                  )}
                </Card>
                {others.length > 0 && (
                  <Card title={say('等别处办理', 'Waiting for others')} flush>
                    <ul className="tasks">
                      {others.slice(0, 8).map(({ card, wait }) => (
                        <TaskRow
                          key={`${card.warrant}${wait.what}${wait.institution}${wait.question ?? ''}`}
                          card={card}
                          wait={wait}
                        />
                      ))}
                    </ul>
                  </Card>
                )}
              </div>
              <Card title={say('近况', 'Lately')} flush>
                {list.length === 0 ? (
                  <Blank title={say('还没有案件', 'No cases yet')} />
                ) : (
                  <ul className="tasks">
                    {list.slice(0, 7).map((card) => (
                      <li key={card.warrant}>
                        <Link to={`/cases/${card.warrant}`} className="task">
                          <span className="grow">
                            <strong>{caseTitle(card, say)}</strong>
                            <span className="muted small">
                              {word(kinds, card.last_kind, lang)} · <When ms={card.last_ms} relative />
                            </span>
                          </span>
                          <Phase phase={card.phase} />
                        </Link>
                      </li>
                    ))}
                  </ul>
                )}
              </Card>
            </div>
          )
        }}
      </Await>
    </>
  )
}

function OperatorHome() {
  const { say } = useSpeech()
  return (
    <>
      <PageHead
        title={say('节点运维', 'Running the node')}
        lead={say(
          '运维人员登记经办人、发布数据表、看护节点；不看案件，不签文书。',
          'The operator enrols officers, publishes tables and keeps the node; reads no case and signs no act.',
        )}
      />
      <div className="row">
        <LinkButton to="/engine">{say('节点状况', 'The node')}</LinkButton>
        <LinkButton to="/network">{say('网络', 'The network')}</LinkButton>
        <LinkButton to="/officers">{say('经办人', 'Officers')}</LinkButton>
        <LinkButton to="/members">{say('成员变更', 'Members')}</LinkButton>
      </div>
    </>
  )
}

function TaskRow({ card, wait }: { card: CaseCard; wait: Wait }) {
  const { say } = useSpeech()
  const name = useNames()
  const to =
    wait.what === 'decide-draft' && wait.mine
      ? `/inbox/draft/${card.warrant}`
      : wait.question
        ? `/questions/${wait.question}`
        : wait.what === 'ask' && wait.mine
          ? `/cases/${card.warrant}/ask`
          : `/cases/${card.warrant}`
  return (
    <li>
      <Link to={to} className="task">
        <span className="grow">
          <strong>{waitWords(wait, say, name)}</strong>
          <span className="muted small">
            {caseTitle(card, say)} · <When ms={wait.since_ms} relative />
          </span>
        </span>
        <ArrowRight size={16} aria-hidden />
      </Link>
    </li>
  )
}
