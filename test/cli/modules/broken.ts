throw new Error("the database\u001b[2J is not there");
