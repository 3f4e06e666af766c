SELECT count(*) AS trials FROM trials;
