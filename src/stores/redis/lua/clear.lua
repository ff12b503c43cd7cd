-- Removes a piece of the jobs in a state; running jobs and schedules stay.
-- @arg state pending|scheduled|ready|completed|dead, now number, piece number  how many members to examine
-- @arg last_score digits?, last_member text?  of the last one that was skipped
-- @reply cleared number, more flag, last_score number?, last_member text?

-- A job whose record has expired leaves the order later, and may be a live one again by then: that keeps its record.
if state == 'completed' then
  local range = call('ZRANGE', done_order, 0, piece - 1, 'WITHSCORES')
  local ids = {}
  local ended = {}
  local kept = 0
  for i = 1, #range, 2 do push(ids, range[i]) end
  for i, live in ipairs(read_many('ZMSCORE', due, ids)) do
    if not live then push(ended, ids[i]) end
    if not live and tonumber(range[2 * i]) > now then kept = kept + 1 end
  end
  call_many('ZREM', done_order, ids)
  call_many('HDEL', jobs, ended)
  return { kept, #ids < piece and 0 or 1, '', '' }
end

-- include: _families.lua
-- include: _waiting.lua

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
  count_children(now)
  commit_keys(now, {}, {})
  local cleared = call_many('ZREM', dead, members) - entries
  call_many('HDEL', dead_jobs, ids)
  store_families()
  remove_families()
  if cleared > 0 then add(REMOVED, cleared) end
  return { cleared, #range < piece and 0 or 1, '', '' }
end

if state == 'dead' then return clear_dead() end

-- The mark of a pause comes first. Without one more member, a piece of nothing else would be requested forever.
if last_member == '' then piece = piece + 1 end
local ids = {}
-- Of these, the jobs that may have keys, or wait for signals, the scores of those in lines, and when leases end.
local keyed_ids = {}
local in_line = {}
local lease_ends = {}
local to_examine = piece
local wait_marks = {}

-- Examines what is outside of lines. Returns whether it has come to the end of it.
local function examine()
  local at = members_until(due, last_score, last_member)
  local range = call('ZRANGE', due, at, at + piece - 1, 'WITHSCORES')
  for i = 1, #range, 2 do
    local member = range[i]
    local score = tonumber(range[i + 1])
    local ready = score < after(now)
    if score >= FOR_CHILDREN or (state == 'ready' and not ready) then return true end
    to_examine = to_examine - 1
    local time, claims, leased = unpack_score(score)
    local waits = is_job(member) and (ready or leased == 0)
    if waits and not (state == 'scheduled' and ready) then
      push(ids, member)
      if leased == 1 or claims > 0 then push(keyed_ids, member) end
      if leased == 1 then lease_ends[member] = time end
    elseif member ~= PAUSED then
      last_score = range[i + 1]
      last_member = member
    end
  end
  return #range < 2 * piece
end

-- Examines lines, which come after all that is outside of them. Returns whether it has come to the end of them.
local function examine_lines()
  local low = IN_LINE + (state == 'scheduled' and after(now) or 0)
  local high = state == 'ready' and IN_LINE + after(now) or LINES_END
  local waiting = call('ZRANGE', due, whole(low), '(' .. whole(high), 'BYSCORE', 'LIMIT', 0, to_examine, 'WITHSCORES')
  for i = 1, #waiting, 2 do
    push(ids, waiting[i])
    push(keyed_ids, waiting[i])
    in_line[waiting[i]] = tonumber(waiting[i + 1]) - IN_LINE
  end
  return #waiting < 2 * to_examine
end

-- Takes the jobs out of the lines and the slots of their keys.
local function leave_keys()
  local records = read_many('HMGET', jobs, keyed_ids)
  local keys = {}
  for i = 1, #keyed_ids do push(keys, (flow_of(records[i]))) end
  load_keys(keys, now)
  for i, id in ipairs(keyed_ids) do
    local key, order = flow_of(records[i])
    push_wait_marks(wait_marks, records[i], id)
    if key and in_line[id] then remove(lanes_by_key[key], order, in_line[id], id)
    elseif key then finish(lanes_by_key[key], lease_ends[id]) end
  end
end

-- Parents that wait go first: so no child that goes releases one.
if state ~= 'ready' and last_member == '' then
  ids = call('ZRANGE', due, whole(FOR_CHILDREN), whole(FOR_CHILDREN), 'BYSCORE', 'LIMIT', 0, piece)
  for _, id in ipairs(ids) do forget_parent(id) end
  piece = piece - #ids
  to_examine = piece
end
local is_over = piece > 0 and examine() and to_examine > 0 and examine_lines()
leave_keys()
local members = {}
for _, id in ipairs(ids) do
  push(members, id, LEASE .. id)
  note_child(id, 'dropped')
end
-- A parent that this call releases is not due yet: so no later piece finds it.
count_children(now + 1)
commit_keys(now, {}, members)
push_all(members, wait_marks)
call_many('ZREM', due, members)
call_many('HDEL', jobs, ids)
local cleared = #ids
store_families()
remove_families()
if cleared > 0 then add(CANCELLED, cleared) end
return { cleared, is_over and 0 or 1, last_score, last_member }
