-- Sessions that exist: credentials were handed out, and the row is their issuance.
--
-- A refused call and a witness (a call that only tells of a session) are no sessions; both stay in the table `sessions`.
SELECT *
FROM sessions
WHERE outcome = 'issued'
  AND session_type <> 'Witness'
