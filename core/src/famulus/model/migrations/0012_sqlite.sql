CREATE TABLE "famulus_white_space" AS
SELECT char(
    9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196,
    8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288) AS "characters";
UPDATE "task"
SET "name" = trim("name", (SELECT "characters" FROM "famulus_white_space"))
WHERE "name" <> trim("name", (SELECT "characters" FROM "famulus_white_space"))
    AND trim("name", (SELECT "characters" FROM "famulus_white_space")) <> ''
    AND NOT EXISTS (
        SELECT 1 FROM "task" AS other
        WHERE trim(other."name", (SELECT "characters" FROM "famulus_white_space"))
                = trim("task"."name", (SELECT "characters" FROM "famulus_white_space"))
            AND (other."id" < "task"."id" OR other."name" = trim("task"."name", (SELECT "characters" FROM "famulus_white_space"))));
UPDATE "qualification"
SET "name" = trim("name", (SELECT "characters" FROM "famulus_white_space"))
WHERE "name" <> trim("name", (SELECT "characters" FROM "famulus_white_space"))
    AND trim("name", (SELECT "characters" FROM "famulus_white_space")) <> ''
    AND NOT EXISTS (
        SELECT 1 FROM "qualification" AS other
        WHERE trim(other."name", (SELECT "characters" FROM "famulus_white_space"))
                = trim("qualification"."name", (SELECT "characters" FROM "famulus_white_space"))
            AND (other."id" < "qualification"."id" OR other."name" = trim("qualification"."name", (SELECT "characters" FROM "famulus_white_space"))));
UPDATE "requester"
SET "name" = trim("name", (SELECT "characters" FROM "famulus_white_space"))
WHERE "name" <> trim("name", (SELECT "characters" FROM "famulus_white_space"))
    AND trim("name", (SELECT "characters" FROM "famulus_white_space")) <> ''
    AND NOT EXISTS (
        SELECT 1 FROM "requester" AS other
        WHERE other."provider_type" = "requester"."provider_type"
            AND trim(other."name", (SELECT "characters" FROM "famulus_white_space"))
                = trim("requester"."name", (SELECT "characters" FROM "famulus_white_space"))
            AND (other."id" < "requester"."id" OR other."name" = trim("requester"."name", (SELECT "characters" FROM "famulus_white_space"))));
UPDATE "worker"
SET "name" = trim("name", (SELECT "characters" FROM "famulus_white_space"))
WHERE "name" <> trim("name", (SELECT "characters" FROM "famulus_white_space"))
    AND trim("name", (SELECT "characters" FROM "famulus_white_space")) <> ''
    AND NOT EXISTS (
        SELECT 1 FROM "worker" AS other
        WHERE other."provider_type" = "worker"."provider_type"
            AND trim(other."name", (SELECT "characters" FROM "famulus_white_space"))
                = trim("worker"."name", (SELECT "characters" FROM "famulus_white_space"))
            AND (other."id" < "worker"."id" OR other."name" = trim("worker"."name", (SELECT "characters" FROM "famulus_white_space"))));
CREATE TABLE "famulus_same_worker" AS
SELECT spaced."id" AS "spaced_id", plain."id" AS "plain_id"
FROM "worker" AS spaced
JOIN "worker" AS plain
    ON plain."provider_type" = spaced."provider_type"
    AND plain."name" = trim(spaced."name", (SELECT "characters" FROM "famulus_white_space"))
WHERE spaced."name" <> trim(spaced."name", (SELECT "characters" FROM "famulus_white_space"));
UPDATE "worker" SET "blocked" = 1
WHERE "id" IN (
    SELECT same."plain_id" FROM "famulus_same_worker" AS same
    JOIN "worker" AS spaced ON spaced."id" = same."spaced_id"
    WHERE spaced."blocked" = 1);
CREATE TABLE "famulus_same_grant" AS
SELECT same."plain_id" AS "worker_id", held."id" AS "grant_id", held."qualification_id",
    held."granted_at"
FROM "famulus_same_worker" AS same
JOIN "granted_qualification" AS held
    ON held."worker_id" = same."spaced_id" OR held."worker_id" = same."plain_id";
DELETE FROM "granted_qualification"
WHERE "id" IN (
    SELECT older."grant_id" FROM "famulus_same_grant" AS older
    JOIN "famulus_same_grant" AS newer
        ON newer."worker_id" = older."worker_id"
        AND newer."qualification_id" = older."qualification_id"
    WHERE newer."granted_at" > older."granted_at"
        OR (newer."granted_at" = older."granted_at" AND newer."grant_id" > older."grant_id"));
UPDATE "granted_qualification"
SET "worker_id" = (
    SELECT MIN("worker_id") FROM "famulus_same_grant"
    WHERE "grant_id" = "granted_qualification"."id")
WHERE "id" IN (SELECT "grant_id" FROM "famulus_same_grant");
UPDATE "event"
SET "subject_id" = (
    SELECT "plain_id" FROM "famulus_same_worker" WHERE "spaced_id" = "event"."subject_id")
WHERE "subject" = 'worker' AND "new" <> 'refused'
    AND "subject_id" IN (SELECT "spaced_id" FROM "famulus_same_worker");
DELETE FROM "worker"
WHERE "id" IN (SELECT "spaced_id" FROM "famulus_same_worker")
    AND NOT EXISTS (SELECT 1 FROM "visit" WHERE "visit"."worker_id" = "worker"."id")
    AND NOT EXISTS (SELECT 1 FROM "agent" WHERE "agent"."worker_id" = "worker"."id")
    AND NOT EXISTS (SELECT 1 FROM "participation" WHERE "participation"."worker_id" = "worker"."id")
    AND NOT EXISTS (SELECT 1 FROM "payment" WHERE "payment"."worker_id" = "worker"."id");
DROP TABLE "famulus_same_grant";
DROP TABLE "famulus_same_worker";
DROP TABLE "famulus_white_space";
