-- Flow control, for the scripts that handle keys. The jobs of a key wait in a line of their own. In `due` is
-- the mark of the key, ' lane:KEY', at the next time at which it can start a job: a claim that finds it leases jobs of
-- its line. It is at 2^52 while the key can start none, since it is paused, has no free slot, or no job waits in its
-- line. ' turn:KEY' is the same plus 2^54, so that marks can be counted, and subtracted, by their scores.
-- A record of such a job begins with '2:ORDER:KEY:CONCURRENCY:RATE:PERIOD:ORDERED:', its prefix. The argument `flow`
-- of a new job is this from KEY on, with '=' behind it if the limits of the key stay, or '' for no key. Keys are
-- escaped (flow.ts): they have no colon. The hash `flow` holds twelve values of each key, and the start of its line,
-- each entry as ORDER(16 digits) SCORE(16 digits) bytes:id. `lanes` holds the rest, each as KEY:ORDER SCORE id.
--
-- A claim may take more jobs of a key than it has free slots: a run. Those without a slot wait, and begin as others of
-- the run end, which the store need not know: the leases of a run end at the same time, and when one of them is over,
-- one that waits counts as gone if there is any, and only else a slot as free (`finish`). So the fifth value of a key
-- is SLOTS/PACE/END=WAITING,END=WAITING: how many slots are taken, how long a job takes on average in tenths of a ms
-- ('' before one has ended), and how many wait for a slot, by the ends of their leases. Empty last parts are left out.
--
-- A lane is what is known of a key, a place orders a job in its line, and a turn is when a key last started a job.
local LANE = ' lane:'
local TURN = ' turn:'
-- How many jobs of a line `flow` holds.
local INLINE = 16
local ORDERED = 1
local HELD = 2
local PINS_CONCURRENCY = 4
local PINS_RATE = 8
-- The lanes that were read, by their keys; those that may have changed, and of these the ones whose marks must follow.
local lanes_by_key = {}
local touched = {}
local unmarked = {}
-- For a ZADD of `lanes`: what comes behind the start of a line.
local standing = {}
-- Members of `lanes` that were read into the start of a line, and those whose jobs have left the line.
local is_leaving = {}
local removed = {}

local function has(lane, flag)
  return math.floor(lane.flags / flag) % 2 == 1
end

local function set_flag(lane, flag, on)
  if has(lane, flag) ~= on then lane.flags = lane.flags + (on and flag or -flag) end
end

-- The key of a record, and its place in the order of the key, 0 for none. Returns nothing for a record without a key.
local function flow_of(record)
  if string.byte(record or '', 1) ~= 50 then return nil end
  local order, key = string.match(record, '^2:(%d+):([^:]+):')
  return key, tonumber(order)
end

-- What `flow` holds of a key: its values, and where the start of its line begins. `behind` counts the jobs behind that
-- start, `count` those in it, and `tail` is the place of the last of these. `now` is UPPER while the clock is unknown.
local VALUES = { 'concurrency', 'rate', 'period', 'flags', 'running', 'pace', 'waiting', 'turn', 'ends', 'started', 'last',
  'behind', 'count', 'tail', 'at' }

local function parse(key, stored)
  local text = stored or '0:0:0:0:0:0:0:0:0:0:0:0:'
  local lane = { key = key, original = stored, text = text, read = 0, now = UPPER }
  local values = { string.match(text,
    '^(%d+):(%d+):(%d+):(%d+):(%d+)/?(%d*)([^:]*):(%d+):(%d+):(%d+):(%d+):(%d+):(%d+):(%d+):()') }
  for i, name in ipairs(VALUES) do lane[name] = tonumber(values[i]) end
  lane.waiting = {}
  for ends, count in string.gmatch(values[7], '(%d+)=(%d+)') do lane.waiting[tonumber(ends)] = tonumber(count) end
  return lane
end

local function format_running(lane)
  local waiting = {}
  for ends, count in pairs(lane.waiting) do push(waiting, whole(ends) .. '=' .. count) end
  if #waiting > 0 then return lane.running .. '/' .. (lane.pace or '') .. '/' .. table.concat(waiting, ',') end
  return lane.pace and lane.running .. '/' .. lane.pace or lane.running
end

local function format_lane(lane)
  return string.format('%.0f:%.0f:%.0f:%d:%s:%.0f:%.0f:%.0f:%.0f:%d:%d:%.0f:', lane.concurrency, lane.rate, lane.period, lane.flags,
    format_running(lane), lane.turn, lane.ends, lane.started, lane.last, lane.behind, lane.count, lane.tail) .. string.sub(lane.text, lane.at)
end

local function slots_of(lane)
  if has(lane, ORDERED) then return 1 end
  return lane.concurrency > 0 and lane.concurrency or 1e9
end

-- The least n for which 2^n is more than a number of ms: 16 for a minute.
local function reach_of(ms)
  local reach = 0
  while 2 ^ reach <= ms do reach = reach + 1 end
  return reach
end

-- The place and the score of the first job in line.
local function head_of(lane)
  return tonumber(string.sub(lane.text, lane.at, lane.at + 15)), tonumber(string.sub(lane.text, lane.at + 16, lane.at + 31))
end

-- A key that was just served comes after everything else that is due in that millisecond: keys are served round-robin.
-- The last ten bits of a mark tell how far ahead the clock that wrote it can have put it: a turn not at all, and the
-- end of a window by its period. A key that used its rate of a minute, until 9,000,000, is at 9000000 * 1024 + 16.
local SERVED = 1020
local function mark_of(lane)
  if lane.count == 0 or has(lane, HELD) or lane.running >= slots_of(lane) then return UPPER end
  local place, score = head_of(lane)
  -- If a key is no longer ordered, the next claim puts a head that waits for its run time behind others (`find_head`).
  local first = has(lane, ORDERED) and score or math.min(place, score)
  local time = math.max(math.floor(first / 1024), lane.turn)
  if lane.rate > 0 and lane.started >= lane.rate and lane.ends > time then
    return lane.ends * 1024 + reach_of(lane.period)
  end
  return time * 1024 + (time == lane.turn and SERVED or 0)
end

-- How far apart clocks may be before one of them is wrong. A window that another one has opened ends by that clock: if
-- this one brought its end back, the other one would find it closed, and open a new one.
local APART_MS = 300000

-- Whether a mark is further ahead than any clock like this one can have put it.
local function is_skewed(mark, now)
  local reach = mark % 1024
  return reach > 0 and math.floor(mark / 1024) > now + (reach == SERVED and 0 or 2 ^ reach + APART_MS)
end

local function is_lane(member)
  return string.byte(member) == 32 and string.sub(member, 1, #LANE) == LANE
end

local function is_idle(lane)
  return lane.count == 0 and lane.behind == 0 and lane.running == 0 and lane.flags <= ORDERED and not next(lane.waiting)
end

-- Prepares a lane for a change. What a clock that was ahead has written is brought back to this one: no turn is in the
-- future, and no window ends much later than its period.
local function touch(lane)
  if not lane.touched then
    lane.touched = true
    push(touched, lane)
    -- As in `due`: an idle key has no mark.
    lane.mark = lane.original and not is_idle(lane) and mark_of(lane) or nil
    lane.turn = math.min(lane.turn, lane.now)
    if lane.ends > lane.now + lane.period + APART_MS then lane.ends = lane.now + lane.period end
  end
  if not lane.needs_mark then
    lane.needs_mark = true
    push(unmarked, lane)
  end
end

-- A job leaves a line by one command, and gets its lease by another one. If one of them is not allowed, neither is
-- sent: Redis 7 and newer can tell.
local function check_permissions()
  if not redis.acl_check_cmd or (redis.acl_check_cmd('HSET', flow, '', '') and redis.acl_check_cmd('ZADD', due, 0, '')) then return end
  error('ACL failure: HSET or ZADD is not allowed', 0)
end

-- @param now the time by the clock of the caller, nil if it is not known.
local function load_keys(keys, now)
  local unknown = {}
  for _, key in ipairs(keys) do
    if lanes_by_key[key] == nil then
      lanes_by_key[key] = false
      push(unknown, key)
    end
  end
  if #unknown > 0 then check_permissions() end
  for i, text in ipairs(read_many('HMGET', flow, unknown)) do
    local lane = parse(unknown[i], text)
    lane.now = now or UPPER
    lanes_by_key[unknown[i]] = lane
  end
end

-- Loads the keys of jobs with these records. Most have none.
local function load_keys_of(records, now)
  local keys = {}
  for _, record in ipairs(records) do
    if record and string.byte(record, 1) == 50 then push(keys, (flow_of(record))) end
  end
  load_keys(keys, now)
end

-- Adds the keys of new jobs to a list.
local function push_keys(keys, list)
  for _, job in ipairs(list) do push(keys, string.match(job.flow, '^[^:]+')) end
  return keys
end

-- include: _line.lua

-- How many more attempts the pause and the rate allow.
local function startable(lane, now)
  if has(lane, HELD) then return 0 end
  if lane.rate == 0 then return 1e9 end
  return math.max(lane.rate - (now < lane.ends and lane.started or 0), 0)
end

-- How many more slots may be taken.
local function free(lane, now, running)
  return math.max(math.min(slots_of(lane) - (running or lane.running), startable(lane, now)), 0)
end

-- A job is leased until `ends`. Returns whether it waits, since no slot is free.
local function begin(lane, now, ends)
  touch(lane)
  local waits_for_slot = lane.running >= slots_of(lane)
  if waits_for_slot then lane.waiting[ends] = (lane.waiting[ends] or 0) + 1 else lane.running = lane.running + 1 end
  lane.turn = math.max(lane.turn, now)
  -- A window that was open when its rate was removed goes on: the rate may come back.
  if lane.rate == 0 and now >= lane.ends then return waits_for_slot end
  if now >= lane.ends then
    lane.ends = now + lane.period
    lane.started = 0
  end
  lane.started = lane.started + 1
  return waits_for_slot
end

-- A lease until `ends` is over. Those that wait go first, so that a run keeps its slots until fewer jobs are left.
local function finish(lane, ends)
  touch(lane)
  local waiting = lane.waiting[ends]
  if waiting then
    lane.waiting[ends] = waiting > 1 and waiting - 1 or nil
  else
    lane.running = math.max(lane.running - 1, 0)
  end
end

-- A job of a key took this long: an eighth of the pace.
local function note_pace(lane, ms)
  lane.pace = lane.pace and math.floor((7 * lane.pace + 10 * ms) / 8 + 0.5) or 10 * ms
end

-- A job that was claimed then ends without an attempt: its start no longer counts, if its window is still open. A
-- window in which nothing has started is closed.
local function take_back_start(lane, claimed_at)
  touch(lane)
  if claimed_at < lane.ends - lane.period or claimed_at >= lane.ends then return end
  lane.started = math.max(lane.started - 1, 0)
  if lane.started == 0 then lane.ends = 0 end
end

local function set_concurrency(lane, concurrency, ordered)
  lane.concurrency = concurrency
  set_flag(lane, ORDERED, ordered)
end

-- An open window goes on with the new period. Without a rate, what was known of the last one stays.
local function set_rate(lane, rate, period, now)
  if rate > 0 then
    if now < lane.ends then lane.ends = lane.ends + period - lane.period end
    lane.period = period
  end
  lane.rate = rate
end

-- Whether the state of a key is no longer needed.
local function is_forgotten(lane, now)
  return is_idle(lane) and (lane.rate == 0 or lane.ends <= now)
end

local function forget_past(lane)
  lane.concurrency, lane.rate, lane.period, lane.flags, lane.pace = 0, 0, 0, 0, nil
  lane.turn, lane.ends, lane.started, lane.last = 0, 0, 0, 0
end

-- Gives a new job with this `flow` its place in the order of its key. `kept`: the order that the job already has.
-- Returns the state of the key, the order, and the beginning of the record.
local function join(flow, now, kept)
  local text, key, c, r, p, o, keeps = string.match(flow, '^(([^:]+):(%d+):(%d+):(%d+):(%d):)(=?)$')
  local lane = lanes_by_key[key]
  local sets = keeps == ''
  local order = kept or 0
  local is_known = lane.needs_mark
  touch(lane)
  if not is_known and is_forgotten(lane, now) then
    forget_past(lane)
    sets = true
  end
  if sets and not has(lane, PINS_CONCURRENCY) then set_concurrency(lane, tonumber(c), o == '1') end
  if sets and not has(lane, PINS_RATE) then set_rate(lane, tonumber(r), tonumber(p), now) end
  if order == 0 and has(lane, ORDERED) then
    order = math.max(now * 1024, lane.last + 1)
    lane.last = order
  end
  return lane, order, '2:' .. whole(order) .. ':' .. text
end

-- Puts a new job in the line of its key, if any. Returns its score and its record. A parent joins once it is released.
local function line_up(job, now)
  if job.flow == '' then return job.score, job.record end
  local lane, order, prefix = join(job.flow, now)
  if job.score == whole(FOR_CHILDREN) then return job.score, prefix .. job.record end
  insert(lane, order, tonumber(job.score), job.id)
  return whole(IN_LINE + job.score), prefix .. job.record
end

-- include: _keys.lua
