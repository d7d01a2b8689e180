ALTER TABLE "agent" ADD COLUMN "judging_until" BIGINT;
