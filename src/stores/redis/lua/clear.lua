-- Removes a piece of the jobs in a state; running jobs and schedules stay.
-- ARGV: 'pending' | 'scheduled' | 'ready' | 'completed' | 'dead', now, how many members to look at, score and member of the last
--   one that was passed over (both '' for none)
-- Returns: how many were removed, 1 where more may follow, or 0, score and member of the last one that was passed over
local state, now, piece, last_score, last_member = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]

if state == 'completed' then
  local count = call('HLEN', done)
  call('DEL', done)
  return { count, 0, '', '' }
end

if state == 'dead' then
  local ids = call('ZRANGE', dead, 0, piece - 1)
  call_many('HDEL', dead_jobs, ids)
  call_many('ZREM', dead, ids)
  if #ids > 0 then add(REMOVED, #ids) end
  return { #ids, #ids < piece and 0 or 1, '', '' }
end

-- The mark of a pause stands first. Without one member more, a piece of nothing else would be asked for without end.
if last_member == '' then piece = piece + 1 end
local at, members, ids = members_until(due, last_score, last_member), {}, {}
local range = call('ZRANGE', due, at, at + piece - 1, 'WITHSCORES')
local ended = #range < 2 * piece
for i = 1, #range, 2 do
  local member, score = range[i], tonumber(range[i + 1])
  local ready = score < after(now)
  if score >= UPPER or (state == 'ready' and not ready) then
    ended = true
    break
  end
  local _, _, leased = unpack_score(score)
  local waits = member ~= PAUSED and not is_schedule(member) and (ready or leased == 0)
  if waits and not (state == 'scheduled' and ready) then
    push(members, member, LEASE .. member)
    push(ids, member)
  elseif member ~= PAUSED then
    last_score, last_member = range[i + 1], member
  end
end
call_many('HDEL', jobs, ids)
call_many('ZREM', due, members)
if #ids > 0 then add(CANCELLED, #ids) end
return { #ids, ended and 0 or 1, last_score, last_member }
