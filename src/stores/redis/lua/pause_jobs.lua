-- Pauses a job type, or resumes it. While one is paused, the member PAUSED_JOBS is there, which an enqueue looks for.
-- @arg beginning text, mark text?  how the mark of the type begins; the mark, none to resume it
-- @reply flag  0: nothing has changed, since MOST_PAUSED other types are paused
local leaving = {}
local others = 0
for _, member in ipairs(call('ZRANGE', due, -1, -1, 'BYSCORE')) do
  if string.sub(member, 1, #beginning) == beginning then
    if member ~= mark then push(leaving, member) end
  elseif #member > #PAUSED_JOBS then
    others = others + 1
  end
end
if mark ~= '' then
  if others >= MOST_PAUSED then return 0 end
  call('ZADD', due, -1, PAUSED_JOBS, -1, mark)
elseif others == 0 then
  push(leaving, PAUSED_JOBS)
end
call_many('ZREM', due, leaving)
return 1
