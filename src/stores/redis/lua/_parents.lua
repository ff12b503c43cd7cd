-- A claim meets a parent: it starts, or waits on.
local LONGEST_LOOK_MS = 86400000
local LOOKED_AT = 100
local SOON_MS = 60000

function key_of_parent(record)
  return string.match(record, PARENT_HEAD .. '2:%d+:([^:]+):')
end

-- Adds to a ZADD of `due` the parents that join the lines of their keys. That comes last in a claim: it takes jobs from
-- lines as they were when it read them.
function join_lines(parked)
  local score = pack(now, 0, 0)
  for _, parent in ipairs(joining) do
    local text, record = string.match(parent.record, '^2:%d+:([^:]+:%d+:%d+:%d+:%d:)(.*)$')
    local flow_key, order, head = join(text, false, now)
    insert(flow_key, order, score, parent.id)
    push(parked, whole(IN_LINE + score), parent.id)
    push(adopted, parent.id, head .. record)
    push(unclaimed, parent.score, parent.id)
    push(unjoined, parent.id, parent.before)
  end
end

local function some_marks(score)
  return call('ZRANGE', due, whole(score), whole(score), 'BYSCORE', 'REV', 'LIMIT', 0, LOOKED_AT)
end

-- Removes marks whose jobs are not where they say. A version that knows no children leaves them. Returns how many.
local function drop_marks(marks, mark, key)
  local ids = {}
  local dropped = 0
  for i, member in ipairs(marks) do ids[i] = string.sub(member, #mark + 1) end
  for i, score in ipairs(read_many('ZMSCORE', key, ids)) do
    if not score then
      push(orphans, marks[i])
      dropped = dropped + 1
    end
  end
  return dropped
end

-- Looks why a parent still waits. Returns how many children have not ended; how many were stored, if whoever enqueued
-- them has stopped; whether it has dropped marks.
local function look_after(score, pending)
  local marks = some_marks(score)
  local place, since = string.match(marks[1], '^ open:.*:(%d+):(%d+)$')
  if place and now - tonumber(since) >= LOOK_MS then
    push(orphans, marks[1])
    return pending - 1, tonumber(place)
  end
  if place then table.remove(marks, 1) end
  local dropped = drop_marks(marks, CHILD, due)
  return pending - dropped, nil, dropped > 0
end

-- Returns the record of a parent as its handler gets it, or nil and when to look at it again; nothing if a later claim
-- must count its children.
function open_parent(id, record)
  local number, waits_for, total, dropped, created, runs_at, at =
    string.match(record, '^3:(%d+):(%l):(%d+):(%d+):(%d+):(%d+):()')
  local score = family_score(tonumber(number))
  local died = counting.released[id]
  local pending, stored, is_soon = 0, nil, false
  if not died then
    if counting.most == 0 then
      return nil
    end
    counting.most = counting.most - 1
    pending = count_marks(score)
    if pending > 0 then pending, stored, is_soon = look_after(score, pending) end
  end
  local look = math.min(math.max(now - tonumber(created), LOOK_MS), LONGEST_LOOK_MS)
  if pending > 0 and not stored then return nil, now + (is_soon and SOON_MS or look) end
  if not died or died < 0 then died = count_marks(score + DIED_ABOVE) end
  if waits_for == 'c' and died > 0 and not stored then
    local died_score = score + DIED_ABOVE
    died = died - drop_marks(some_marks(died_score), DIED, dead)
    if died > 0 then return nil, now + look end
  end
  if tonumber(runs_at) > now and not stored then return nil, tonumber(runs_at) end
  local completed = (stored or total) - pending - died - dropped
  local counts = string.format('"total":%s,"completed":%.0f,"dead":%.0f,"dropped":%s', total, completed, died, dropped)
  if stored then counts = counts .. string.format(',"stored":%.0f', stored) .. (waits_for == 'c' and ',"waitFor":"completed"' or '') end
  return string.sub(record, at, -2) .. ',"children":{' .. counts .. '}}'
end
