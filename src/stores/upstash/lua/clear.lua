-- Removes a piece of the jobs in a state; running jobs and schedules stay.
-- ARGV: 'pending' | 'scheduled' | 'ready' | 'completed' | 'dead', now, how many members to pass over, how many to look at
-- Returns: how many were removed, how many to pass over next time (-1 at the end)
local state, now, skip, piece = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

if state == 'completed' then
  local count = call('HLEN', done)
  call('DEL', done)
  return { count, -1 }
end

if state == 'dead' then
  local ids = call('ZRANGE', dead, 0, piece - 1)
  call_many('ZREM', dead, ids)
  call_many('HDEL', dead_jobs, ids)
  if #ids > 0 then add(REMOVED, #ids) end
  return { #ids, #ids < piece and -1 or 0 }
end

local range = call('ZRANGE', due, skip, skip + piece - 1, 'WITHSCORES')
local members, ids, ended = {}, {}, #range < 2 * piece
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
  end
end
call_many('ZREM', due, members)
call_many('HDEL', jobs, ids)
if #ids > 0 then add(CANCELLED, #ids) end
return { #ids, ended and -1 or skip + #range / 2 - #ids }
