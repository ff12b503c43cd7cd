-- Counts what an exchange settles: each outcome as it is found, and all of them in one command.

-- Counts an outcome, and to which counts of the histograms its attempt belongs.
local function note(figures, to, waited_count, ran_count)
  local figure = FIGURE_OF[to]
  if figure then figures[figure] = (figures[figure] or 0) + 1 end
  if waited_count == '' then return end
  local waited, ran = FIRST_WAITING + waited_count - WAITING - 1, FIRST_RUNNING + ran_count - RUNNING - 1
  figures[waited] = (figures[waited] or 0) + 1
  figures[ran] = (figures[ran] or 0) + 1
end

-- Counts what was settled, in all, in this minute and in other windows, and how long it took: one command. Gives the day of the last
-- sweep, if known.
local function tally(count, added, all, named)
  if count.completed + count.retried + count.dead == 0 and not next(added) then return nil end
  local minute, day = math.floor(now / 60000), math.floor(now / DAY_MS)
  local adding, windows, checked = {}, {}, named.are_remembered and 1 or 0
  if checked == 1 then push(adding, 'GET', 'u32', byte_of(named[1].place) * 8) end
  -- The order of completed jobs is trimmed once in the time that they are kept, but at most once an hour, and once a day at least.
  local period = math.floor(now / math.min(math.max(retention_ms, 3600000), DAY_MS))
  if may_sweep then push(adding, 'SET', 'u32', SWEPT_ON, day) end
  if may_sweep and observed then push(adding, 'SET', 'u32', TRIMMED_IN, period) end
  local function increase(bits, counter, by)
    push(adding, 'INCRBY', bits, counter, by)
  end
  if count.completed > 0 then increase('i64', PROCESSED, count.completed) end
  if count.retried > 0 then increase('i64', RETRIED, count.retried) end
  for counter, by in pairs(added) do increase('i64', '#' .. counter, by) end
  -- The count of an earlier minute goes without anybody having to read which it was: with the minute in front a pair is one number, and
  -- what is less than this minute comes to 0 when that is taken away.
  push(adding, 'OVERFLOW', 'SAT')
  for i, by in ipairs({ count.completed, count.retried, count.dead }) do
    local at = MINUTES + minute % MINUTES_KEPT * 6 + (i - 1) * 2
    if by > 0 then
      increase('u63', at * 32 + 1, '-' .. whole(minute * 4294967296))
      push(adding, 'SET', 'u32', '#' .. at, minute)
      increase('u32', '#' .. at + 1, by)
    end
  end
  -- Of a job that was born leased nothing has been read.
  if may_sweep and checked == 0 and not named.placed then read_places(named) end
  give_places(named)
  add_to_window(windows, HOURS, 0, all)
  add_to_names(windows, named)
  local answers = add_up(adding, windows)
  local swept_on, trimmed_in = answers[checked + 1], answers[checked + 2]
  -- The database was emptied since the caller learned the place.
  if checked == 1 and answers[1] ~= tonumber(named[1].hash) then
    take_back(named[1], answers[1])
    named[1].place = nil
    if may_sweep then
      windows = {}
      read_places(named)
      give_places(named)
      add_to_names(windows, named)
      add_up({ 'OVERFLOW', 'SAT' }, windows)
    end
  end
  if may_sweep and observed and trimmed_in > 0 and trimmed_in ~= period then
    call('ZREMRANGEBYSCORE', done_order, '-inf', '(' .. whole(now - retention_ms - 3600000))
  end
  return may_sweep and swept_on
end
