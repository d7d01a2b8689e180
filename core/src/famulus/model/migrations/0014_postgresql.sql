ALTER TABLE "agent" ADD COLUMN "message" TEXT;
