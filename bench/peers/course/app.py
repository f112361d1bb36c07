"""The course's application as it is deployed: Flask, Flask-Login, Flask-SQLAlchemy, psycopg2.

``python app.py`` makes the tables and the people of ``PEOPLE_FILE``; gunicorn serves ``app:app``.
"""

import os
from pathlib import Path

from flask import Flask, flash, redirect, render_template, request, url_for
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
app.config["SECRET_KEY"] = "bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs"
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
db = SQLAlchemy(app)
login_manager = LoginManager(app)
login_manager.login_view = "login"


class User(UserMixin, db.Model):
    __tablename__ = "users"
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(64), unique=True, index=True)
    username = db.Column(db.String(64), unique=True, index=True)
    password_hash = db.Column(db.String(256))
    confirmed = db.Column(db.Boolean, default=False)
    is_administrator = db.Column(db.Boolean, default=False)

    def verify_password(self, password):
        return check_password_hash(self.password_hash, password)


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


@app.get("/secret")
@login_required
def secret():
    return render_template("secret.html")


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return render_template("login.html")
    user = User.query.filter_by(email=request.form["email"].lower()).first()
    if user is not None and user.verify_password(request.form["password"]):
        login_user(user, bool(request.form.get("remember_me")))
        return redirect(url_for("secret"))
    flash("Invalid username or password.")
    return render_template("login.html"), 401


@app.post("/logout")
@login_required
def logout():
    logout_user()
    flash("You have been logged out.")
    return redirect(url_for("login"))


def fill() -> None:
    """Make the tables, and the people: name, email, password, and whether the hash is cheap."""
    with app.app_context():
        db.create_all()
        known: dict[tuple[str, str], str] = {}
        for line in Path(os.environ["PEOPLE_FILE"]).read_text().splitlines():
            name, email, password, cost = line.split("\t")
            method = "pbkdf2:sha256:1" if cost == "cheap" else "scrypt"
            if (password, method) not in known:
                known[password, method] = generate_password_hash(password, method)
            hashed = known[password, method]
            db.session.add(User(username=name, email=email, password_hash=hashed, confirmed=True))
        db.session.commit()


if __name__ == "__main__":
    fill()
