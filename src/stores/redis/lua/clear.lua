-- Removes a piece of the jobs in a state; running jobs and schedules stay.
-- ARGV: 'pending' | 'scheduled' | 'ready' | 'completed' | 'dead', now, how many members to examine, score and member of
--   the last
--   one that was skipped (both '' for none)
-- Returns: how many were removed, 1 if more may follow, or 0, score and member of the last one that was skipped
local state, now, piece, last_score, last_member = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]

if state == 'completed' then
  local count = call('HLEN', done)
  call('DEL', done, done_order)
  return { count, 0, '', '' }
end

if state == 'dead' then
  -- First come the entries in groups, and their jobs go with them.
  local range, ids, leaving, entries = call('ZRANGE', dead, 0, piece - 1), {}, {}, 0
  for _, member in ipairs(range) do
    if string.byte(member) == 32 then
      entries = entries + 1
      push(ids, string.sub(member, 16))
      push(leaving, string.sub(member, 16), member)
    else
      push(ids, member)
      push(leaving, member)
    end
  end
  call_many('HDEL', dead_jobs, ids)
  local cleared = call_many('ZREM', dead, leaving) - entries
  if cleared > 0 then add(REMOVED, cleared) end
  return { cleared, #range < piece and 0 or 1, '', '' }
end

-- The mark of a pause comes first. Without one more member, a piece of nothing else would be requested forever.
if last_member == '' then piece = piece + 1 end
local at, members, ids, leased_ids, in_line = members_until(due, last_score, last_member), {}, {}, {}, {}
local born, born_scores = {}, {}
local range = call('ZRANGE', due, at, at + piece - 1, 'WITHSCORES')
local ended, left = #range < 2 * piece, piece
for i = 1, #range, 2 do
  local member, score = range[i], tonumber(range[i + 1])
  local ready = score < after(now)
  if score >= UPPER or (state == 'ready' and not ready) then
    ended = true
    break
  end
  left = left - 1
  local _, _, leased = unpack_score(score)
  local waits = id_of(member) and (ready or leased == 0)
  if waits and is_born(member) and state ~= 'scheduled' then
    push(born, member)
    push(born_scores, range[i + 1])
  elseif waits and not (state == 'scheduled' and ready) then
    push(ids, member)
    if leased == 1 then push(leased_ids, member) end
  elseif member ~= PAUSED then
    last_score, last_member = range[i + 1], member
  end
end

-- Jobs in lines come after all that wait outside of lines.
if ended and left > 0 then
  local low = IN_LINE + (state == 'scheduled' and after(now) or 0)
  local high = state == 'ready' and IN_LINE + after(now) or TURN_UP
  local waiting = call('ZRANGE', due, whole(low), '(' .. whole(high), 'BYSCORE', 'LIMIT', 0, left, 'WITHSCORES')
  ended = #waiting < 2 * left
  for i = 1, #waiting, 2 do
    push(ids, waiting[i])
    push(leased_ids, waiting[i])
    in_line[waiting[i]] = tonumber(waiting[i + 1]) - IN_LINE
  end
elseif ended then
  ended = false
end

local records, keys, adding = read_many('HMGET', jobs, leased_ids), {}, {}
for i = 1, #leased_ids do
  local key = flow_of(records[i])
  if key then push(keys, key) end
end
load_lanes(keys, now)
for i, id in ipairs(leased_ids) do
  local key, order = flow_of(records[i])
  if key and in_line[id] then remove(lane_of[key], order, in_line[id], id) elseif key then finish(lane_of[key]) end
end
for _, id in ipairs(ids) do push(members, id, LEASE .. id) end
local born_records = read_born(born, born_scores)
for _, name in ipairs(born) do push(members, name, born_index(id_of(name), born_records[name] or '')) end
commit_lanes(now, adding, members)
surely('HDEL', jobs, ids)
surely('ZREM', due, members)
local cleared = #ids + #born
if cleared > 0 then add(CANCELLED, cleared) end
return { cleared, ended and 0 or 1, last_score, last_member }
