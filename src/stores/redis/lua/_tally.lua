-- Counts what an exchange settles, all of it in one command.

-- Counts one less. What comes to 0 goes: it would take a command's place.
local function take_one(counts, figure)
  if counts and counts[figure] then counts[figure] = counts[figure] > 1 and counts[figure] - 1 or nil end
end

-- Takes out what outcomes have added that were not accepted.
local function leave_out_refused()
  local i = 0
  for name, waited, ran, waiting_figure, running_figure in string.gmatch(figures.each, '(%d+):(%d+):(%d+):(%d+):(%d+);') do
    i = i + 1
    if not accepted[i] then
      figures.waited, figures.ran = figures.waited - waited, figures.ran - ran
      local by_name = figures.names[tonumber(name)]
      for _, counts in ipairs({ figures.all, by_name and by_name.counts }) do
        for _, kind in ipairs({ 'completed', 'retried', 'dead' }) do
          if i >= first[kind] and i <= last[kind] then take_one(counts, FIGURE_OF[kind]) end
        end
        take_one(counts, tonumber(waiting_figure))
        take_one(counts, tonumber(running_figure))
      end
    end
  end
end

-- Counts what was settled, in all, in this minute and in other windows, and how long it took. Gives the day of the last
-- sweep, if known.
local function tally(number)
  for i = 1, number do
    if not accepted[i] then
      leave_out_refused()
      break
    end
  end
  local all, named = figures.all, figures.names
  if not next(all) then return nil end
  local minute, day = math.floor(now / 60000), math.floor(now / DAY_MS)
  local adding, windows, checked = {}, {}, figures.is_place_known and 1 or 0
  if checked == 1 then push(adding, 'GET', 'u32', byte_of(named[1].place) * 8) end
  -- The order of completed jobs is trimmed once in the time that they are kept, but at most once an hour, and once a
  -- day at least.
  local period = math.floor(now / math.min(math.max(retention_ms, 3600000), DAY_MS))
  if may_sweep then push(adding, 'SET', 'u32', SWEPT_ON, day) end
  if may_sweep and observed then push(adding, 'SET', 'u32', TRIMMED_IN, period) end
  local function increase(bits, counter, by)
    push(adding, 'INCRBY', bits, counter, by)
  end
  if all[1] then increase('i64', PROCESSED, all[1]) end
  if all[2] then increase('i64', RETRIED, all[2]) end
  increase('i64', '#' .. WAITING, figures.waited)
  increase('i64', '#' .. RUNNING, figures.ran)
  for figure, by in pairs(all) do
    if figure >= FIRST_RUNNING then increase('i64', '#' .. RUNNING + 1 + figure - FIRST_RUNNING, by)
    elseif figure >= FIRST_WAITING then increase('i64', '#' .. WAITING + 1 + figure - FIRST_WAITING, by) end
  end
  -- The count of an earlier minute goes without anybody having to read which it was: with the minute in front a pair is
  -- one number, and what is less than this minute comes to 0 when that is taken away.
  push(adding, 'OVERFLOW', 'SAT')
  for figure = 1, 3 do
    local at, by = MINUTES + minute % MINUTES_KEPT * 6 + (figure - 1) * 2, all[figure]
    if by then
      increase('u63', at * 32 + 1, '-' .. whole(minute * 4294967296))
      push(adding, 'SET', 'u32', '#' .. at, minute)
      increase('u32', '#' .. at + 1, by)
    end
  end
  -- Of a job that was born leased nothing has been read.
  if may_sweep and checked == 0 and not figures.placed then read_places() end
  give_places()
  add_to_window(windows, HOURS, 0, all)
  add_to_names(windows)
  local answers = add_up(adding, windows)
  local swept_on, trimmed_in = answers[checked + 1], answers[checked + 2]
  -- The database was emptied since the caller learned the place.
  if checked == 1 and answers[1] ~= tonumber(named[1].hash) then
    take_back(named[1], answers[1])
    named[1].place = nil
    if may_sweep then
      windows = {}
      read_places()
      give_places()
      add_to_names(windows)
      add_up({ 'OVERFLOW', 'SAT' }, windows)
    end
  end
  if may_sweep and observed and trimmed_in > 0 and trimmed_in ~= period then
    call('ZREMRANGEBYSCORE', done_order, '-inf', '(' .. whole(now - retention_ms - 3600000))
  end
  return may_sweep and swept_on
end
