-- An exchange: one round trip of a drain, which is an invocation that runs jobs. It settles the outcomes of jobs that
-- ran, fires schedules, and claims what is due. This file is the frame: what the parts share, and at its end, their
-- order. `npm run generate` puts _prelude.lua, _lanes.lua (flow control) and the arguments, as locals, before it.
--
-- A job may have a key, whose limits it keeps to (flow control): it waits in the line of that key until the key has a
-- free slot. One job holds a slot, or several do one after another: then those behind the first wait for it, claimed.
--
-- All that needs attention stands in the sorted set `due`, by the time at which it does (the table in _prelude.lua). To
-- claim a job is to give it the score of a lease (the visibility timeout): its end, one claim more, and "leased". So no
-- other drain gets the job until then. The drain sends this score back with the outcome, which counts if `due` has
-- exactly the same: also after the end, unless somebody has claimed the job again. If a drain crashes, nobody has to
-- notice: its leases end, and the jobs are due. The claim reads `due` from its front, and this is what it finds:
--   ' paused'        Nothing is claimed, and no plan fires. Outcomes and `fires` go on.
--   ' paused:NAME'   A paused job type. The reply says so. Its jobs are leased all the same: the drain hands them back.
--   a job            It is leased. If it has a key, its lease ran out: it goes back in line if it had no slot, if
--                    its key has no free slot, or if the key is ordered and an earlier job waits.
--   ' lane:KEY'      The next time of a key. Jobs of its line are leased, one for each free slot, which their outcomes
--                    free. More may be claimed: the drain starts these as others of the key end (_lanes.lua).
--   ' schedule:KEY'  It fires by its plan (_planned_occurrences.lua), and its job is leased. Without one, it is handed
--                    out: the drain makes its jobs, and sends them as `fires` of a later exchange.
-- A parent stands behind all times. What ends its last child moves it to its run time (_families.lua).
--
-- The claim comes last because settling frees slots, and firing makes jobs, which it may then take. A script may stop
-- half-way (_prelude.lua), so each step reads and decides first, and writes in this order:
--   settle, fire  Records and lines, then the members of `due` that lead to them. Then ended jobs leave `due`, and last
--                 the children are counted. A job whose outcome was not stored runs again.
--   write_claim   The jobs that the claim makes, leases, the state of keys (slots that were taken or freed), and the
--                 jobs that are back in line. Last, jobs that were leased leave the sorted set `lanes`.
--   remove_ended  Records of ended jobs, this late because the claim may have made the same jobs anew.
-- So no job is lost, but counts may be: those of metrics; of children, so that a parent waits until a person acts; and
-- of slots, which `queue:doctor` reports, and which are counted again when their key is resumed.
--
-- An exchange that gets no reply is sent again, at most twice, with the same arguments (`now` and `nonce` too) but for
-- the flag `resend`. What an earlier send has done is found, and not done or counted again:
--   outcomes      Their leases are gone, and the stored records are those that they would write (`accept_resent`).
--   schedules     They have left their occurrences, and are 'stale'.
--   claimed jobs  They are in the index of leases, by the nonce. They are leased 1 ms longer (`claim_again`).
-- A drain that still has no reply sends its outcomes once more with the flag, in an exchange that claims nothing.
--
-- Types of arguments: scripts/generate/schema.ts. Slots, runs and prefixes of keys: _lanes.lua.
-- @arg now number, resend flag, nonce number, retention_ms number  nonce: even, below 1024
-- @arg limit number  most jobs to claim; -1 does not look at what is due
-- @arg count_backlog flag, lease_ms number
-- @arg bytes_left number  most bytes of claimed records
-- @arg fires_declared flag  may fire schedules that code declares
-- @arg run_ms number?  for how long a slot of a key takes jobs; none: it takes one
-- @arg usual_pace number?  how long a job takes if its key does not know, in tenths of a ms
-- @arg most_startable number?  how many jobs the caller can start at once
-- @arg outcomes columns(kind:completed|retried|returned|held|dead|expired* id lease:digits* score* record)
-- @arg keyed rows(outcome:number prefix claimed_at:number? ran_ms:number?)
-- @arg follow_ups rows(outcome:number id score:digits record flow family)  jobs that outcomes make
-- @arg metrics text, each text  (_metrics.lua)
-- @arg watched list(text)  ids of jobs that run
-- @arg waits rows(outcome:number now_waits has_waited)  (_waits.lua)
-- @arg fires rows(key occurrence:digits next:digits record unless skipped)  (_fire.lua)
-- @arg fired_jobs rows(fire:number id score:digits record flow)
-- @reply paused flag, paused_jobs list(text), next_score number?  paused job types; of what is due next
-- @reply backlog number  how many more are due than it claimed; 0 if not counted
-- @reply evicted number  how many members had lost their records
-- @reply settled list(number)  0: refused, its lease is gone; 1: accepted, now or before; 2: and its job got a signal
-- @reply fired list(fired|skipped|stale)
-- @reply claimed rows(name record score:number)  id, or ' made:ID' if this claim made the job; when it was due
-- @reply claimed_again list(number)  the new scores of the first jobs, which an earlier send claimed. The others are
--   leased for `lease_ms`, and claimed once more than when they were due.
-- @reply runs rows(key ends_at:number slots:number? begins_before:number? is_awaited:flag?)  the jobs of a key whose
--   leases end then: how many of them may run at once, when those that have not begun go back, and whether others wait
--   for their slots (_runs.lua)
-- @reply gone list(text)  watched jobs that are gone
-- @reply due_schedules rows(key score:number record)  those that it hands out

-- Records of live jobs that this exchange has written. The claim need not read them, and `remove_ended` keeps them.
local written = {}

local paused, next_score, backlog, evicted = 0, '', 0, 0
local paused_jobs, settled, fired, claimed = {}, {}, {}, {}
local claimed_again, runs, gone, due_schedules = {}, {}, {}, {}
local settle, remove_ended, tally

-- A function of Lua has room for 200 local names: those of settling end with this block.
do
  -- Outcomes come in columns: ids[3] and records[3] belong to the third one. The new score of a dead job is when it
  -- became dead, and after a space the score of its group.
  local ids, held_leases, scores, records = outcomes.id, outcomes.lease, outcomes.score, outcomes.record
  -- Which of them count, and how many do.
  local accepted, settled_now = {}, 0
  local begin_wait, end_waits, take_signals
  do
    -- include: _waiting.lua
    -- include: _waits.lua
  end
  -- include: _families.lua
  do
    -- include: _statistics.lua
    -- include: _metrics.lua
  end
  -- include: _settle.lua
end
-- include: _fire.lua

local jobs_claimed = 0
-- ZADD of `due`: all leases, at positions that `lease` counts, and then marks of keys and schedules that move.
local claim_members = {}
local back_in_line = {} -- ZADD of `due`: jobs whose leases ran out
local made = {} -- HSET of `jobs`: the records of jobs that the claim makes
-- For a ZREM of `due`: members without a record, which only eviction leaves, and the marks of keys that are idle now.
local leaving_due = {}

-- Adds to the claimed jobs. It writes at positions that it counts, which takes half of the time of `push`.
local function lease(name, score, record, lease_score, id, index_score)
  local at = jobs_claimed * 3
  local last = jobs_claimed * 4
  jobs_claimed = jobs_claimed + 1
  claimed[at + 1], claimed[at + 2], claimed[at + 3] = name, record, score
  claim_members[last + 1], claim_members[last + 2] = lease_score, id
  claim_members[last + 3], claim_members[last + 4] = index_score, LEASE .. id
end

-- How the reply marks a job that the claim has made. In the index of leases, such a job has an odd nonce.
local MADE = ' made:'
local function index_score_of(ends, is_made)
  return whole(UPPER + ends * 1024 + nonce + (is_made and 1 or 0))
end

-- Takes room in the reply for one more record, if there is any. There always is for the first one.
local function take_room(record)
  bytes_left = bytes_left - #record
  return bytes_left >= 0 or jobs_claimed == 0
end

local decide_claim
do
  local is_schedule_skewed, fire_planned
  do
    -- include: _planned_occurrences.lua
  end
  -- include: _claim.lua
end

local function write_claim()
  store_new(made)
  -- Leases come before the slots that they take: a job that has left its line without a lease would be lost.
  call_many('ZADD', due, claim_members)
  store_keys(now)
  call_many('ZADD', due, back_in_line)
  leave_lines()
  call_many('ZREM', due, leaving_due)
  forget_keys()
end

settle() -- accepts outcomes and writes what becomes of their jobs
fire() -- stores the jobs of `fires`, and moves their schedules on
decide_claim() -- reads what is due and decides what to lease: writes nothing
write_claim() -- writes what was decided
remove_ended() -- deletes the records that nothing needs any more
tally() -- counts in the metrics
return { paused, paused_jobs, next_score, backlog, evicted, settled, fired, claimed, claimed_again, runs, gone, due_schedules }
