-- Removes a piece of the jobs in a state; running jobs and schedules stay.
-- @arg state pending|scheduled|ready|completed|dead, now number, piece number  how many members to examine
-- @arg last_score digits?, last_member text?  of the last one that was skipped
-- @reply cleared number, more flag, last_score number?, last_member text?

-- A job whose record has expired leaves the order later, and may be a live one again by then: that keeps its record.
if state == 'completed' then
  local range = call('ZRANGE', done_order, 0, piece - 1, 'WITHSCORES')
  local ids, ended, kept = {}, {}, 0
  for i = 1, #range, 2 do push(ids, range[i]) end
  for i, live in ipairs(read_many('ZMSCORE', due, ids)) do
    if not live then push(ended, ids[i]) end
    if not live and tonumber(range[2 * i]) > now then kept = kept + 1 end
  end
  call_many('ZREM', done_order, ids)
  call_many('HDEL', jobs, ended)
  return { kept, #ids < piece and 0 or 1, '', '' }
end

-- include: _statistics.lua
-- include: _families.lua
-- include: _waiting.lua
-- include: _live_jobs.lua
-- include: _remove_jobs.lua

-- The entries in groups come first, and their jobs go with them.
local function clear_dead()
  local range = call('ZRANGE', dead, 0, piece - 1)
  local ids = {}
  local members = {}
  local entries = 0
  local seen = {}
  for _, member in ipairs(range) do
    local is_entry = string.byte(member) == 32
    local id = is_entry and string.sub(member, 16) or member
    if is_entry then
      entries = entries + 1
      push(members, member)
    end
    push(ids, id)
    push(members, id)
    if not seen[id] then note_child(id, 'removed') end
    seen[id] = true
  end
  local cleared = remove_dead(now, members, ids) - entries
  if cleared > 0 then count_up(now, '') end
  return { cleared, #range < piece and 0 or 1, '', '' }
end

if state == 'dead' then return clear_dead() end

-- The marks of pauses come first. Without more members, a piece of nothing else would be requested forever.
if last_member == '' then piece = piece + MOST_PAUSED + 2 end
local found = {}
local to_examine = piece

-- Examines what is outside of lines. Returns whether it has come to the end of it.
local function examine()
  local at = members_until(due, last_score, last_member)
  local range = call('ZRANGE', due, at, at + piece - 1, 'WITHSCORES')
  for i = 1, #range, 2 do
    local job = live_job(range[i], range[i + 1])
    local ready = job.score < after(now)
    if job.in_line or job.score >= FOR_CHILDREN or (state == 'ready' and not ready) then return true end
    to_examine = to_examine - 1
    local waits = is_job(job.id) and (ready or not job.is_leased)
    if waits and not (state == 'scheduled' and ready) then
      push(found, job)
    elseif job.score >= 0 then
      last_score = range[i + 1]
      last_member = job.id
    end
  end
  return #range < 2 * piece
end

-- Finds members by their scores, from one up to another one. Returns whether these are all.
local function find_between(low, high, most)
  local range = call('ZRANGE', due, whole(low), '(' .. whole(high), 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  for i = 1, #range, 2 do push(found, live_job(range[i], range[i + 1])) end
  return #range < 2 * most
end

-- Parents that wait go first: so no child that goes releases one.
if state ~= 'ready' and last_member == '' then
  find_between(FOR_CHILDREN, UPPER, piece)
  piece = piece - #found
  to_examine = piece
end
-- Lines come after all that is outside of them.
local is_over = piece > 0 and examine() and to_examine > 0 and find_between(
  IN_LINE + (state == 'scheduled' and after(now) or 0), state == 'ready' and IN_LINE + after(now) or LINES_END, to_examine)
read_live(found)
-- A parent that this call releases is not due yet: so no later piece finds it.
remove_jobs(found, now + 1)
return { #found, is_over and 0 or 1, last_score, last_member }
