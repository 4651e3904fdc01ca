"""The model behind FastAPI, as its tutorial does it."""

import os

import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from served import Model

model, app = Model(), FastAPI()


class Body(BaseModel):
    """Rows by column."""

    rows: list[dict[str, float | str | None]]


@app.post("/predict")
def predict(body: Body) -> dict:
    """Answer rows."""
    return {"predictions": model.answer(pd.DataFrame(body.rows))}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
