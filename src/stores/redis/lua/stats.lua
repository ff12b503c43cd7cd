-- Counts. Figures that can be derived are not stored: each job that is no longer live is in one of five counters.
-- ARGV: now
-- Returns: scheduled, ready, running, dead, completed, processed, retried, died, enqueued, paused,
--   the next score ('' for none), score of the oldest ready job ('' for none),
--   the counters of the two histograms (16 each), then for each minute of the last hour in which something was settled:
--   which it is, processed, retried, dead
local now = tonumber(ARGV[1])
remove_expired(now)
local keys, members = call('HKEYS', schedules), {}
for i, key in ipairs(keys) do members[i] = SCHEDULE .. key end
local slots_due, slots_ahead = 0, 0
for _, score in ipairs(read_many('ZMSCORE', due, members)) do
  if score and tonumber(score) < after(now) then slots_due = slots_due + 1 end
  if score and tonumber(score) >= after(now) and tonumber(score) < UPPER then slots_ahead = slots_ahead + 1 end
end

local wanted = {}
for i = 0, OLD_MINUTES / 2 - 1 do push(wanted, 'GET', 'i64', '#' .. i) end
for i = OLD_MINUTES, OLD_MINUTES + MINUTES_KEPT * 4 - 1 do push(wanted, 'GET', 'u32', '#' .. i) end
local counters = call('BITFIELD', stats, unpack(wanted))
local processed, retried, cancelled, retried_dead, removed = unpack(counters)

-- Jobs that wait for their flow control key, and the keys themselves, which are not jobs (_lanes.lua).
local IN_LINE, TURN_UP = 9007199254740992, 18014398509481984
local function count(from, to)
  return call('ZCOUNT', due, whole(from), '(' .. whole(to))
end
local ready_in_line, ahead_in_line, keys_due, keys_ahead = 0, 0, 0, 0
if call('EXISTS', flow) == 1 then
  ready_in_line, ahead_in_line = count(IN_LINE, IN_LINE + after(now)), count(IN_LINE + after(now), TURN_UP)
  keys_due, keys_ahead = count(TURN_UP, TURN_UP + after(now)), count(TURN_UP + after(now), TURN_UP + UPPER)
end
local ready = count(0, after(now)) - slots_due - keys_due + ready_in_line
local ahead = count(after(now), UPPER) - slots_ahead - keys_ahead + ahead_in_line
local running = count(UPPER + after(now), IN_LINE)
local lying = call('ZCOUNT', dead, 0, '+inf')
local died = lying + retried_dead + removed
local head = call('ZRANGE', due, '-inf', '(' .. whole(UPPER), 'BYSCORE', 'LIMIT', 0, slots_due + 2, 'WITHSCORES')
local paused = head[1] == PAUSED and 1 or 0
local oldest = ''
for i = 1 + 2 * paused, #head, 2 do
  if not is_schedule(head[i]) and tonumber(head[i + 1]) < after(now) then
    oldest = head[i + 1]
    break
  end
end
local reply = { ahead - running, ready, running, lying, call('HLEN', done), processed, retried, died,
  ready + ahead + processed + died + cancelled - retried_dead, paused, head[2 + 2 * paused] or '', oldest }
for _, first in ipairs({ WAITING, RUNNING }) do
  for i = first + 1, first + HISTOGRAM_SIZE do push(reply, counters[i]) end
end

local this_minute, minutes = math.floor(now / 60000), {}
local function add_to_minute(minute, which, count)
  if count == 0 or minute <= this_minute - 60 then return end
  minutes[minute] = minutes[minute] or { 0, 0, 0 }
  minutes[minute][which] = minutes[minute][which] + count
end
for first = OLD_MINUTES / 2 + 1, #counters, 4 do
  for which = 1, 3 do add_to_minute(counters[first], which, counters[first + which]) end
end
-- Lua reads numbers of up to 53 bits exactly: 21 bits of the minute are enough to identify it among the last ones.
local pairs_wanted = {}
for i = 0, MINUTES_KEPT * 3 - 1 do push(pairs_wanted, 'GET', 'u53', (MINUTES + i * 2) * 32 + 11) end
for i, pair in ipairs(call('BITFIELD', stats, unpack(pairs_wanted))) do
  local count = pair % 4294967296
  local from_now = ((pair - count) / 4294967296 - this_minute + 1048576) % 2097152 - 1048576
  add_to_minute(this_minute + from_now, (i - 1) % 3 + 1, count)
end
for minute, counts in pairs(minutes) do push(reply, minute, unpack(counts)) end
return reply
