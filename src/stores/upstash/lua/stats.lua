-- Counts. What can be derived is not stored: each job that left the live ones is in one of five counters.
-- ARGV: now
-- Returns: scheduled, ready, running, dead, completed, processed, retried, died, enqueued, paused,
--   score that comes next ('' for none), score of the oldest ready job ('' for none)
local now = tonumber(ARGV[1])
local keys, members = call('HKEYS', schedules), {}
for i, key in ipairs(keys) do members[i] = SCHEDULE .. key end
local slots_due, slots_ahead = 0, 0
for _, score in ipairs(read_many('ZMSCORE', due, members)) do
  if score and tonumber(score) < after(now) then slots_due = slots_due + 1 end
  if score and tonumber(score) >= after(now) then slots_ahead = slots_ahead + 1 end
end

local counters = call('HMGET', stats, 'processed', 'retried', 'cancelled', 'revived', 'removed')
for i = 1, 5 do counters[i] = tonumber(counters[i] or 0) end
local processed, retried, cancelled, revived, removed = unpack(counters)

local ready = call('ZCOUNT', due, 0, '(' .. whole(after(now))) - slots_due
local ahead = call('ZCOUNT', due, whole(after(now)), '(' .. whole(UPPER)) - slots_ahead
local running = call('ZCOUNT', due, whole(UPPER + after(now)), '+inf')
local lying = call('ZCARD', dead)
local died = lying + revived + removed
local paused = call('ZSCORE', due, PAUSED) and 1 or 0
local head = call('ZRANGE', due, 0, '(' .. whole(UPPER), 'BYSCORE', 'LIMIT', 0, slots_due + 1, 'WITHSCORES')
local oldest = ''
for i = 1, #head, 2 do
  if not is_schedule(head[i]) and tonumber(head[i + 1]) < after(now) then
    oldest = head[i + 1]
    break
  end
end
return { ahead - running, ready, running, lying, call('HLEN', done), processed, retried, died,
  call('HLEN', jobs) + processed + died + cancelled - revived, paused, head[2] or '', oldest }
