-- An exchange: one round trip of a drain. It settles the outcomes of jobs that ran, fires schedules, and claims what is
-- due. This file is the frame: what the parts share, and at its end, the order in which they work. `npm run generate`
-- puts _prelude.lua before it, the files of the parts where `include` names them, and the arguments in local variables.
--
-- The sorted set `due` holds all that needs attention, by the time at which it does (the table in _prelude.lua).
--   settle  takes a job out of `due`, or moves it to its next run time, if the lease that the outcome names still holds
--   fire    moves a schedule to its next occurrence and stores its jobs, which the caller has made (`fires`). The claim
--           does both for schedules whose records have a plan (_planned_occurrences.lua).
--   claim   moves a job to the end of its lease (the visibility timeout), so that no other drain gets it until then. If
--           its worker crashes, nobody has to notice: the lease ends, and the job is due again.
-- Flow control: a job with a key waits in the line of the key, and in `due` stands a mark of the key, at the next time
-- at which it may start a job. A claim that meets the mark takes jobs out of the line. A lease takes a slot of the key,
-- an outcome frees it, and a lease that ran out puts its job back in line if no slot is free (_lanes.lua).
-- Parents stand in `due` at a time that never comes. The outcome that ends the last child moves its parent to the run
-- time (_families.lua). Waits for signals: _waits.lua. Statistics: the caller adds up what it did, `tally` stores it.
--
-- The claim comes last because settling frees slots, and firing makes jobs, which it may then take. Each part reads,
-- decides, and only then writes. A script may stop half-way (_prelude.lua), so the writes have this order:
--   settle, fire   Records and lines are stored before the members of `due` that lead to them. Then members of ended
--                  jobs leave `due`, and last the children are counted.
--   claim          The jobs that it makes are stored, then leases, and then the state of keys: slots that were taken,
--                  and those that were freed (sooner if a job has joined a line). Last, jobs leave lines.
--   the end        Records of ended jobs are deleted, since the claim may have made them anew; metrics are counted.
-- So no job is lost, but counts may be: those of metrics; of children, so that a parent waits until a person acts; and
-- of slots, which `queue:doctor` reports, and which are counted again when their key is resumed.
--
-- An exchange that gets no reply is sent again, at most twice, with the same arguments (`now` and `nonce` too) but for
-- the flag `resend`. What an earlier send has done is found: `accept_resent` compares the stored record with the one
-- that an outcome would write, a schedule that has fired is 'stale', and `take_again` finds claimed jobs by the nonce.
-- A drain that still has no reply sends its outcomes once more with the flag, in an exchange that claims nothing.
--
-- Types of arguments: scripts/generate/schema.ts. Slots, runs and prefixes of keys: _lanes.lua.
-- @arg now number, resend flag, nonce number, retention_ms number
-- @arg limit number  most jobs to claim; -1 does not look at what is due
-- @arg count_backlog flag, lease_ms number
-- @arg bytes_left number  most bytes of claimed records
-- @arg fires_declared flag  may fire schedules that code declares
-- @arg run_ms number?  for how long a slot of a key takes jobs; none: it takes one
-- @arg usual_pace number?  how long a job takes if its key does not know, in tenths of a ms
-- @arg most_startable number?  how many jobs the caller can start at once
-- @arg outcomes columns(kind:completed|retried|returned|dead|expired* id lease:digits* score* record)  (_settle.lua)
-- @arg keyed rows(outcome:number prefix claimed_at:number? ran_ms:number?)
-- @arg follow_ups rows(outcome:number id score:digits record flow family)  jobs that outcomes make
-- @arg waited_ms number, ran_ms number, counts text, each text, names rows(text counts)  (_metrics.lua)
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
-- @reply taken_again list(number)  the new scores of the first jobs, which an earlier send has claimed. The others are
--   leased for `lease_ms`, and claimed once more than when they were due.
-- @reply runs rows(key ends_at:number slots:number? begins_before:number? is_awaited:flag?)  the jobs of a key whose
--   leases end then: how many of them may run at once, when those that have not begun go back, and whether others wait
--   for their slots (_runs.lua)
-- @reply gone list(text)  watched jobs that are gone
-- @reply due_schedules rows(key score:number record)  those that it did not fire

-- Records of live jobs that this exchange has written. The claim need not read them, and `remove_ended` keeps them.
local written = {}

local paused, next_score, backlog, evicted = 0, '', 0, 0
local paused_jobs, settled, fired, claimed = {}, {}, {}, {}
local taken_again, runs, gone, due_schedules = {}, {}, {}, {}
local settle, remove_ended, tally

-- include: _windows.lua
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
  -- include: _metrics.lua
  -- include: _settle.lua
end
-- include: _fire.lua

local jobs_taken = 0
local claim_members = {} -- ZADD of `due`: leases, jobs that go back in line, marks of keys, and schedules that move
local made = {} -- HSET of `jobs`: the records of jobs that the claim makes
-- For a ZREM of `due`: members without a record, which only eviction leaves, and the marks of keys that are idle now.
local leaving_due = {}

-- Adds to the claimed jobs. It writes at positions that it counts, which takes half of the time of `push`.
local function lease(name, score, record, lease_score, id, index_score)
  local at = jobs_taken * 3
  local last = jobs_taken * 4
  jobs_taken = jobs_taken + 1
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
  return bytes_left >= 0 or jobs_taken == 0
end

local take_again, claim, describe_runs
do
  local is_schedule_astray, fire_planned
  do
    -- include: _planned_occurrences.lua
  end
  -- include: _claim.lua
end

-- What `take_again` and `claim` have decided.
local function write_claim()
  store_new(made)
  -- Leases come before the slots that they take: a job that has left its line without a lease would be lost.
  call_many('ZADD', due, claim_members)
  store_keys(now)
  leave_lines()
  call_many('ZREM', due, leaving_due)
  forget_keys()
end

settle()
fire()
if resend and limit > 0 then take_again() end
if limit >= 0 then claim(limit - jobs_taken) end
describe_runs()
write_claim()
remove_ended()
tally()
return { paused, paused_jobs, next_score, backlog, evicted, settled, fired, claimed, taken_again, runs, gone, due_schedules }
