-- An exchange: one round trip of a drain. It settles outcomes, fires schedules, and claims what is due. This file is
-- the frame; the files that it includes do the work. KEYS and helpers such as `call_many` come from _prelude.lua, and
-- what concerns flow control keys from _lanes.lua.
-- A job waits in `due` at its run time. To claim it is to move it there to the end of its lease (the visibility
-- timeout): until then no other drain gets it. To settle it is to take it out, or to move it to its next run time.
--
-- @arg now number, resend flag, nonce number, retention_ms number
-- @arg limit number  most jobs to claim; -1 does not look at what is due
-- @arg count_backlog flag, lease_ms number
-- @arg bytes_left number  most bytes of claimed records
-- @arg fires_declared flag  may fire schedules that code declares
-- @arg run_ms number?  for how long a slot of a key takes jobs; none: it takes one
-- @arg usual_pace number?  how long a job takes if its key does not know, in tenths of a ms
-- @arg most_startable number?  how many jobs the caller can start at once
-- @arg outcomes columns(kind:completed|retried|returned|dead|expired* id lease:digits* score* record)  (_outcomes.lua)
-- @arg keyed rows(outcome:number head claimed_at:number? ran_ms:number?)
-- @arg follow_ups rows(outcome:number id score:digits record flow family)  jobs that outcomes make
-- @arg waited_ms number, ran_ms number, counts text, each text, names rows(text counts)  (_metrics.lua)
-- @arg watched list(text)  ids of jobs that run
-- @arg waits rows(outcome:number now_waits has_waited)  (_waits.lua)
-- @arg fires rows(key occurrence:digits next:digits record unless skipped)  (_fire.lua)
-- @arg fired_jobs rows(fire:number id score:digits record flow)
-- @reply paused flag, next_score number?  of what is due next
-- @reply backlog number  how many more are due than it claimed; 0 if not counted
-- @reply evicted number  how many members had lost their records
-- @reply settled list(number)  0: refused, since its lease is gone; 2: accepted, and its job has got a signal
-- @reply fired list(fired|skipped|stale)
-- @reply claimed rows(name record score:number)  id, or ' made:ID' if this claim has made the job; when it was due
-- @reply recovered_leases list(number)  of the first of these, which an earlier send has claimed. The others are leased
--   for `lease_ms`, and claimed once more than when they were due.
-- @reply run_texts list(text)  (_runs.lua)
-- @reply gone list(text)  watched jobs that are gone, if an outcome had to be read
-- @reply due_schedules rows(key score:number record)  those that it did not fire

-- Records that this exchange has written or read: it need not read them to claim their jobs.
local known = {}

local paused = 0
local next_score = ''
local backlog = 0
local evicted = 0
local settled = {}
local fired = {}
local claimed = {}
local recovered_leases = {}
local run_texts = {}
local gone = {}
local due_schedules = {}

local HOUR_MS = 3600000
local DAY_MS = 86400000
-- The ids of jobs that have ended. Their records go last of all.
local ended_ids = {}
local settle, remove_ended, tally

-- Puts a new job in the line of its flow control key, if it has one. Returns its score and its record there. A parent
-- joins the line once it is released.
local function line_up(job, sets_limits)
  if job.flow == '' then return job.score, job.record end
  local flow_key, order, head = join(string.match(job.flow, '^[^=]*'), sets_limits, now)
  if job.score == whole(FOR_CHILDREN) then return job.score, head .. job.record end
  insert(flow_key, order, tonumber(job.score), job.id)
  return whole(IN_LINE + job.score), head .. job.record
end

-- include: _windows.lua
-- A function of Lua has room for 200 local names: those of settling end with this block.
do
  -- include: _metrics.lua
  -- include: _outcomes.lua
  local begin_wait, end_waits, take_signals
  do
    -- include: _waiting.lua
    -- include: _waits.lua
  end
  -- include: _families.lua
  -- include: _tally.lua
  -- include: _settle.lua
end
-- include: _fire.lua

local jobs_taken = 0
-- The values of a ZADD of `due` that leases the claimed jobs.
local leases = {}
-- For an HSET of `jobs`: the records of jobs that the claim makes.
local made = {}
-- For a ZREM of `due`: members without a record.
local orphans = {}

-- Adds to the claimed jobs. It writes at positions that it counts, which takes half of the time of `push`.
local function lease(name, score, record, leased, id, index, index_member)
  local at = jobs_taken * 3
  local last = jobs_taken * 4
  jobs_taken = jobs_taken + 1
  claimed[at + 1], claimed[at + 2], claimed[at + 3] = name, record, score
  leases[last + 1], leases[last + 2], leases[last + 3], leases[last + 4] = leased, id, index, index_member
end

-- How the reply marks a job that the claim has made. In the index of leases, such a job has an odd nonce.
local MADE = ' made:'
local function index_score(ends, is_made)
  return whole(UPPER + ends * 1024 + nonce + (is_made and 1 or 0))
end

-- Whether the reply has room for one more record. It always has for the first one.
local function fits(record)
  bytes_left = bytes_left - #record
  return bytes_left >= 0 or jobs_taken == 0
end

local recover
local claim
local describe_runs
do
  local is_schedule_astray, fire_planned
  do
    -- include: _planned_occurrences.lua
  end
  -- include: _claim.lua
end

settle()
fire()
local recovered = resend and limit > 0 and recover() or 0
if limit >= 0 then claim(math.max(limit - recovered, 0)) end
describe_runs()
store_new(made)
-- Leases come before the slots that they take: a job that has left its line without a lease would be lost.
call_many('ZADD', due, leases)
store_keys(now)
leave_lines()
-- A member without a record, which only eviction leaves, would stay first in line forever.
call_many('ZREM', due, orphans)
forget_keys()
remove_ended()
tally()
return { paused, next_score, backlog, evicted, settled, fired, claimed, recovered_leases, run_texts, gone, due_schedules }
