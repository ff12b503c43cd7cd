-- Counts what an exchange settles, all of it in one command.

-- Counts one less. What comes to 0 goes: it would take the place of a command.
local function take_one(counts, counter)
  if counts and counts[counter] then counts[counter] = counts[counter] > 1 and counts[counter] - 1 or nil end
end

-- Takes out what outcomes have added that were not accepted.
local function leave_out_refused()
  local i = 0
  for name, waited, ran, waiting, running in string.gmatch(each, '(%d+):(%d+):(%d+):(%d+):(%d+);') do
    i = i + 1
    if not accepted[i] then
      metrics.waited = metrics.waited - waited
      metrics.ran = metrics.ran - ran
      local named = metrics.names[tonumber(name)]
      for _, counts in ipairs({ metrics.all, named and named.counts }) do
        take_one(counts, COUNTER_OF[outcomes.kind[i]])
        take_one(counts, tonumber(waiting))
        take_one(counts, tonumber(running))
      end
    end
  end
end

local function has_refused()
  for i = 1, #ids do
    if not accepted[i] then return true end
  end
  return false
end

local function increase(adding, bits, counter, by)
  push(adding, 'INCRBY', bits, counter, by)
end

local function add_totals(adding)
  local all = metrics.all
  if all[1] then increase(adding, 'i64', PROCESSED, all[1]) end
  if all[2] then increase(adding, 'i64', RETRIED, all[2]) end
  if expired > 0 then increase(adding, 'i64', EXPIRED, expired) end
  increase(adding, 'i64', '#' .. WAITING, metrics.waited)
  increase(adding, 'i64', '#' .. RUNNING, metrics.ran)
  for counter, by in pairs(all) do
    if counter >= FIRST_RUNNING then increase(adding, 'i64', '#' .. RUNNING + 1 + counter - FIRST_RUNNING, by)
    elseif counter >= FIRST_WAITING then increase(adding, 'i64', '#' .. WAITING + 1 + counter - FIRST_WAITING, by) end
  end
end

-- The count of an earlier minute goes without anybody having to read which it was: with the minute in front a pair is
-- one number, and what is less than this minute comes to 0 when that is taken away. In minute 70, the pair (6, 9) is
-- 6 * 2^32 + 9: less 70 * 2^32 it is 0, and (70, 9) becomes 9. It leaves out the first bit, since 63 bits are the most.
local function add_to_minute(adding)
  local minute = math.floor(now / 60000)
  push(adding, 'OVERFLOW', 'SAT')
  for counter = 1, 3 do
    local at = MINUTES + minute % MINUTES_KEPT * 6 + (counter - 1) * 2
    local by = metrics.all[counter]
    if by then
      increase(adding, 'u63', at * 32 + 1, '-' .. whole(minute * 4294967296))
      push(adding, 'SET', 'u32', '#' .. at, minute)
      increase(adding, 'u32', '#' .. at + 1, by)
    end
  end
end

-- Counts what was settled, in all, in this minute and in other windows, and how long it took.
function tally()
  if has_refused() then leave_out_refused() end
  if not next(metrics.all) and expired == 0 then return end
  -- The order of completed jobs is trimmed once in the time that they are kept, but at most once an hour, and once a
  -- day at least.
  local period = math.floor(now / math.min(math.max(retention_ms, HOURS.ms), DAYS.ms))
  local adding = {}
  local windows = {}
  push(adding, 'SET', 'u32', TRIMMED_IN, period)
  add_totals(adding)
  add_to_minute(adding)
  give_positions()
  add_to_window(windows, HOURS, 0, metrics.all)
  add_to_names(windows)
  local trimmed_in = add_up(adding, windows)[1]
  if trimmed_in > 0 and trimmed_in ~= period and not OWN_EXPIRY then
    call('ZREMRANGEBYSCORE', done_order, '-inf', '(' .. whole(now - HOURS.ms))
  end
end
