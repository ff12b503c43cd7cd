-- Counts everything. What can be derived is not stored: each job that is no longer live is in one of five counters.
-- @arg now number, with_names flag  reads metrics by name, and does not count completed jobs
-- @arg most number  up to how many members of `due` are read one by one: one command for all counts of live jobs
-- @reply paused flag, next_score number?, oldest_score number?  of the oldest ready job
-- @reply scheduled number, ready number, running number, dead number, completed number
-- @reply processed number, retried number, dead_lettered number, enqueued number, expired number
-- @reply waiting_times list(number), running_times list(number)
-- @reply minutes rows(minute:number processed:number retried:number dead:number)  of the last hour, if any was settled
-- @reply names rows(name totals periods)  as in figures.lua
-- include: _windows.lua
-- include: _read_windows.lua
if not with_names then remove_expired(now) end

local range = call('ZRANGE', due, 0, most, 'WITHSCORES')
local ready = 0
local scheduled = 0
local running = 0

-- Counts the members that were read.
local function count_read()
  for i = 1, #range, 2 do
    if is_job(range[i]) then
      local score = tonumber(range[i + 1])
      local time = score < IN_LINE and score or score - IN_LINE
      if time < after(now) then ready = ready + 1
      elseif time % 2 == 1 then running = running + 1
      else scheduled = scheduled + 1 end
    end
  end
end

local function count(from, to)
  return call('ZCOUNT', due, whole(from), '(' .. whole(to))
end

-- Has all members counted, which takes some commands but no reading.
local function count_all()
  local members = call('HKEYS', schedules)
  for i, key in ipairs(members) do members[i] = SCHEDULE .. key end
  local schedules_due = 0
  local schedules_ahead = 0
  for _, score in ipairs(read_many('ZMSCORE', due, members)) do
    if score and tonumber(score) < after(now) then schedules_due = schedules_due + 1 end
    if score and tonumber(score) >= after(now) and tonumber(score) < UPPER then schedules_ahead = schedules_ahead + 1 end
  end
  ready = count(0, after(now)) - schedules_due
  running = count(UPPER + after(now), IN_LINE)
  scheduled = count(after(now), UPPER) - schedules_ahead - running
  if call('EXISTS', flow) == 0 then return end
  -- Keys are no jobs: their second entries are above the lines (_lanes.lua).
  ready = ready + count(IN_LINE, IN_LINE + after(now)) - count(LINES_END, LINES_END + after(now))
  scheduled = scheduled + count(IN_LINE + after(now), LINES_END) - count(LINES_END + after(now), LINES_END + UPPER)
end

local is_whole = #range <= 2 * most
if is_whole then count_read() else count_all() end

local paused = range[1] == PAUSED and 1 or 0
local coming = ''
local oldest = ''
for i = 1 + 2 * paused, #range, 2 do
  local score = tonumber(range[i + 1])
  if coming == '' and score < UPPER then coming = range[i + 1] end
  if score >= after(now) then break end
  if not is_schedule(range[i]) then
    oldest = range[i + 1]
    break
  end
end

local text = call('GETRANGE', stats, 0, with_names and -1 or HOURS.at - 1)
local function counter(position)
  return number_at(text, position * 8, 8)
end
local processed, retried, cancelled, retried_dead, removed = counter(0), counter(1), counter(2), counter(3), counter(4)
local expired = counter(6)
local dead_now = call('ZCOUNT', dead, 0, '+inf')
local ever_dead = dead_now + retried_dead + removed
local completed = with_names and 0 or call('ZCOUNT', done_order, '(' .. whole(now), '+inf')
local enqueued = ready + scheduled + running + processed + ever_dead + cancelled + expired - retried_dead
local function counters_from(first)
  local values = {}
  for i = 1, HISTOGRAM_SIZE do values[i] = counter(first + i - 1) end
  return values
end

local this_minute = math.floor(now / 60000)
local minutes = {}
for i = 0, 3 * MINUTES_KEPT - 1 do
  local at = MINUTES * 4 + i * 8
  local minute = number_at(text, at, 4)
  local count = number_at(text, at + 4, 4)
  if count > 0 and minute > this_minute - 60 then
    minutes[minute] = minutes[minute] or { 0, 0, 0 }
    minutes[minute][i % 3 + 1] = count
  end
end
local minute_rows = {}
for minute, counts in pairs(minutes) do push(minute_rows, minute, unpack(counts)) end
local names = {}
if with_names then push_names(names, is_whole and range or read_positions(), text, NAMES_AT, 0) end
return { paused, coming, oldest, scheduled, ready, running, dead_now, completed, processed, retried, ever_dead, enqueued,
  expired, counters_from(WAITING), counters_from(RUNNING), minute_rows, names }
