-- The families that outcomes make. Their jobs come in one ZADD or several, children before their parents: a parent in
-- `due` has all of its children there, or has had them.

-- Reads what the arguments of a job say about its family.
function read_member(job)
  local score, number = string.match(job.score, '^(%S+) (%S+)$')
  if score then job.score, job.mark = score, whole(family_score(tonumber(number))) end
  if waits_for_others(job.record) then
    job.head = string.match(job.record, PARENT_HEAD)
    job.record = string.sub(job.record, #job.head + 1)
  end
end

-- Adds the mark of a child to a ZADD of `due`. It comes before the child: one without a mark would not be waited for.
function mark_child(adding, job)
  if job.mark then push(adding, job.mark, CHILD .. job.id) end
end
