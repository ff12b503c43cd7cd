-- Counts everything. What can be derived is not stored: each job that is no longer live is in one of the totals.
-- @arg now number, with_names flag  reads metrics by name, and does not count completed jobs
-- @arg most number  up to how many members of `due` are read one by one: one command for all counts of live jobs
-- @reply paused flag, paused_jobs list(text), next_score number?, oldest_score number?  of the oldest ready job
-- @reply scheduled number, ready number, recent number, latest number  ready, and fell due in these minutes (stats.ts)
-- @reply running number, dead number, completed number
-- @reply totals text, minutes text  of the queue (_statistics.lua)
-- @reply names rows(name text)  as in figures.lua
-- include: _statistics.lua
if not with_names then remove_expired(now) end

local range = call('ZRANGE', due, 0, most, 'WITHSCORES')
local this_minute = math.floor(now / 60000)
local function begin(ago) return pack((this_minute - ago) * 60000, 0, 0) end
local from, trend_from, until_now = begin(PACE_MINUTES), begin(TREND_MINUTES), begin(0)
local ready, recent, latest, scheduled, running = 0, 0, 0, 0, 0

-- Counts the members that were read.
local function count_read()
  for i = 1, #range, 2 do
    if is_job(range[i]) then
      local time = out_of_line(range[i + 1])
      if time >= from and time < until_now then recent = recent + 1 end
      if time >= trend_from and time < until_now then latest = latest + 1 end
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
  local fire_at = read_many('ZMSCORE', due, members)
  local has_keys = call('EXISTS', flow) == 1

  -- Those with leases too, by the ends of these.
  local function count_jobs(from, to)
    local jobs_there = count(from, to)
    for _, score in ipairs(fire_at) do
      if score and tonumber(score) >= from and tonumber(score) < to then jobs_there = jobs_there - 1 end
    end
    if not has_keys then return jobs_there end
    -- Keys are no jobs: their second entries are above the lines (_lanes.lua).
    return jobs_there + count(IN_LINE + from, IN_LINE + to) - count(LINES_END + from, LINES_END + to)
  end

  ready, recent, latest = count_jobs(0, after(now)), count_jobs(from, until_now), count_jobs(trend_from, until_now)
  running = count(UPPER + after(now), IN_LINE)
  scheduled = count_jobs(after(now), UPPER) - running
end

local is_whole = #range <= 2 * most
if is_whole then count_read() else count_all() end

local paused, paused_jobs, coming, oldest = range[1] == PAUSED and 1 or 0, {}, '', ''
for i = skip_marks(range, paused_jobs), #range, 2 do
  local score = tonumber(range[i + 1])
  if coming == '' and score < UPPER then coming = range[i + 1] end
  if score >= after(now) then break end
  if not is_schedule(range[i]) then
    oldest = range[i + 1]
    break
  end
end

local dead_now = call('ZCOUNT', dead, 0, '+inf')
local completed = with_names and 0 or call('ZCOUNT', done_order, '(' .. whole(now), '+inf')
local lines = read_statistics()
local totals, minutes = string.match(lines[1].text, '^([^;]*);([^;]*)')
local names = {}
if with_names then push_names(names, lines, false) end
return { paused, paused_jobs, coming, oldest, scheduled, ready, recent, latest, running, dead_now, completed, totals, minutes, names }
