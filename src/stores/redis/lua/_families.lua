-- Jobs that wait for others. A parent waits for its children, which one script stores with it. The id of a child is
-- that of its parent, '/' and its number of six digits. No other id ends so.
-- `families` holds what each parent waits for: PENDING:COMPLETED:DEAD:DROPPED:WAITS_FOR:RUNS_AT. These are how many of
-- its children have not ended, and how many have ended in each way; 'e' if it waits until all have ended, 'c' if none
-- may be dead; and the time before which it does not run. The parent is in `due` at FOR_CHILDREN, which is never. The
-- script that counts its last child moves it to its run time, or into the line of its key, like any other job.
--
-- Counts are written last: if a command fails before, a parent waits too long, and never starts too early.
local FAMILY = '^(%d+):(%d+):(%d+):(%d+):(%l):(%d+)$'
-- The record of a parent that was released: it ends with what became of its children.
local RELEASED = '^(.*),"children":{"total":%d+,"completed":(%d+),"dead":(%d+),"dropped":(%d+)}}$'
-- How each fate changes the first four. 'retried' and 'removed' are those of dead children.
local CHANGES = { completed = { -1, 1, 0, 0 }, dead = { -1, 0, 1, 0 }, dropped = { -1, 0, 0, 1 },
  retried = { 1, 0, -1, 0 }, removed = { 0, 0, -1, 1 } }
-- The children whose fates are not counted yet, by the ids of their parents.
local ended_children = {}
local parents = {}
-- For HSET and HDEL of `families`, and for ZADD of `due`.
local counted = {}
local released = {}
local released_members = {}

-- Notes what becomes of a job, if it is a child: its id has a slash before the last six characters.
local function note_child(id, fate)
  if string.byte(id, -7) ~= 47 then return end
  local parent, number = string.match(id, '^(.*)/(%d%d%d%d%d%d)$')
  if not parent or ended_children[parent] == false then return end
  if not ended_children[parent] then
    ended_children[parent] = {}
    push(parents, parent)
  end
  push(ended_children[parent], { number = tonumber(number), fate = fate })
end

-- The script removes a parent that waits.
local function forget_parent(id)
  ended_children[id] = false
  push(released, id)
end

-- The counts of a family after these fates; nil if no parent waits. An earlier one of this id may have had more.
local function count(text, children)
  local counts = { string.match(text or '', FAMILY) }
  if not counts[1] then return nil end
  for i = 1, 4 do counts[i] = tonumber(counts[i]) end
  local total = counts[1] + counts[2] + counts[3] + counts[4]
  for _, child in ipairs(children) do
    for i = 1, child.number < total and 4 or 0 do counts[i] = counts[i] + CHANGES[child.fate][i] end
  end
  return counts
end

-- Until when a job is held back that has not begun, since its type is paused.
local HELD_BACK = ',"held":{"until":(%d+),"dueAt":%d+},"returned":%d+$'

-- What a parent counted when it was released, as `families` has it: if it has not begun, it waits again for each dead
-- child that is retried. It waits until all have ended: no other parent is released while a child of it is dead. Nil if
-- it is no such parent.
local function released_counts(record, score, now)
  if not record or string.sub(record, -2) ~= '}}' or score >= FOR_CHILDREN then return nil end
  local before, completed, dead_ones, dropped = string.match(record, RELEASED)
  local time, claims, leased = unpack_score(score)
  if not before or dead_ones == '0' or leased == 1 or claims ~= returns_of(before .. '}') then return nil end
  -- Until its type is resumed it was not due: that is no time before which it must not run.
  local is_held = time == tonumber(string.match(before, HELD_BACK) or 0)
  return { 0, completed, dead_ones, dropped, 'e', time > now and not is_held and whole(time) or 0 }
end

-- Returns the record of a parent that waits no more.
local function release(id, stored, counts, now)
  local pending, completed, dead_ones, dropped, _, runs_at = unpack(counts)
  local text, record = string.match(stored, '^2:%d+:([^:]+:%d+:%d+:%d+:%d:)(.*)$')
  record = record or stored
  -- It may have been released before, and then have waited for a child that was retried.
  record = string.match(record, RELEASED) or string.sub(record, 1, -2)
  local score = whole(pack(math.max(tonumber(runs_at), now), returns_of(record .. '}'), 0))
  record = record .. string.format(',"children":{"total":%d,"completed":%d,"dead":%d,"dropped":%d}}',
    pending + completed + dead_ones + dropped, completed, dead_ones, dropped)
  score, record = line_up({ id = id, flow = text and text .. '=' or '', score = score, record = record }, now)
  push(released_members, score, id)
  return record
end

-- Counts what was noted, puts the parents that wait no more into the lines of their keys, and stores their records.
-- `store_families` follows, once their children are gone, and `remove_families` last.
-- @param held what parents wait for from now on, by their ids. Default: as it is stored.
local function count_children(now, held)
  local asked = {}
  for _, id in ipairs(parents) do
    if ended_children[id] then push(asked, id) end
  end
  local over = {}
  local counts_of = {}
  for i, text in ipairs(read_many('HMGET', families, asked)) do
    local id = asked[i]
    local counts = count(held and held[id] or text, ended_children[id])
    if counts and counts[1] == 0 and (counts[5] == 'e' or counts[3] == 0) then
      push(over, id)
      counts_of[id] = counts
    elseif counts then push(counted, id, table.concat(counts, ':')) end
  end
  local stored = read_many('HMGET', jobs, over)
  load_keys_of(stored, now)
  local records = {}
  for i, id in ipairs(over) do
    if stored[i] then push(records, id, release(id, stored[i], counts_of[id], now)) end
    push(released, id)
  end
  call_many('HSET', jobs, records)
end

local function store_families()
  call_many('ZADD', due, released_members)
  call_many('HSET', families, counted)
end

local function remove_families()
  call_many('HDEL', families, released)
end

-- Removes dead jobs whose fates were noted. Returns how many members of `dead` are gone.
local function remove_dead(now, members, ids)
  count_children(now)
  commit_keys(now, {})
  local removed = call_many('ZREM', dead, members)
  call_many('HDEL', dead_jobs, ids)
  store_families()
  remove_families()
  return removed
end
